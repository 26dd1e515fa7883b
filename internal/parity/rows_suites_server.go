package parity

// serverSuiteRows are the parts of section 7 on Socket.IO: the support server
// of its client (7.1) and the tests of its server (7.4).
var serverSuiteRows = []Row{}
