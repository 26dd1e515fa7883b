package goid

// FromStack is the portable variant.
var FromStack = fromStack
