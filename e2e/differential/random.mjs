// Numbers that a seed determines, so that a case can be had again by its number.

export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  // next is mulberry32: 32 bits of state, which is plenty for choosing.
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  int(n) {
    return Math.floor(this.next() * n);
  }

  chance(p) {
    return this.next() < p;
  }

  pick(list) {
    return list[this.int(list.length)];
  }
}
