package jsonx

// MaxDepth is the depth that callers get who ask for no limit.
const MaxDepth = maxDepth
