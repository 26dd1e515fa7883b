// The servers that are compared: the flags that both are started with, and what a player must know about them.

export const servers = {
  parity: { flags: ['-profile', 'parity'], about: {} },
  eio3: { flags: ['-profile', 'parity', '-set', 'allowEIO3=true'], about: {} },
  msgpack: { flags: ['-profile', 'parity', '-set', 'parser=msgpack'], about: { parser: 'msgpack' } },
  recovery: { flags: ['-profile', 'parity', '-set', 'connectionStateRecovery={}'], about: { recovery: true } },
  sio: { flags: ['-profile', 'sio-protocol'], about: {} },
};
