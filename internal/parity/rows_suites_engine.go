package parity

// engineSuiteRows are the parts of section 7 on Engine.IO: the support server of
// its client (7.2), the conformance suites (7.3) and the tests of its server (7.4).
var engineSuiteRows = []Row{}
