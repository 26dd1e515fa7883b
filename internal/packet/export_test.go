package packet

// MaxKeptArgs is the capacity of Args above which Parse does not reuse it.
const MaxKeptArgs = maxKeptArgs
