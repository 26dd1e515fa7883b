// Waiting for things, always with a deadline and a name for what did not come.

// Generous, since the machine may be busy; nothing waits this long unless it fails.
export const patience = 10_000;

// within rejects, naming `what`, if the promise has not settled after ms.
export function within(promise, what, ms = patience) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing after ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// once resolves with the arguments of the next `event` of an emitter.
export function once(emitter, event, ms = patience) {
  return within(new Promise((resolve) => emitter.once(event, (...args) => resolve(args))), `event ${event}`, ms);
}

// collect resolves with the first n argument lists of `event`.
export function collect(emitter, event, n, ms = patience) {
  const got = [];
  const all = new Promise((resolve) => {
    const listen = (...args) => {
      if (got.push(args) === n) {
        emitter.off(event, listen);
        resolve(got);
      }
    };
    emitter.on(event, listen);
  });
  return within(all, `${n} events ${event}`, ms).catch((err) => {
    throw new Error(`${err.message}, only ${got.length}`);
  });
}

// until calls probe again and again until it returns something truthy, and returns that.
export async function until(probe, what, ms = patience) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`${what}: not so after ${ms} ms`);
    await pause(10);
  }
}

// pause lets protocol time pass: where a test shows that something does not happen, or happens after a stated time.
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// Queue hands values over in order to whoever asks for the next one.
export class Queue {
  #values = [];
  #waiting = [];
  #end;

  push(value) {
    if (this.#waiting.length) this.#waiting.shift().resolve(value);
    else this.#values.push(value);
  }

  // end makes next reject with err once the values that are left have been taken.
  end(err) {
    this.#end ??= err;
    for (const w of this.#waiting.splice(0)) w.reject(err);
  }

  get size() {
    return this.#values.length;
  }

  next(what, ms) {
    if (this.#values.length) return Promise.resolve(this.#values.shift());
    if (this.#end) return Promise.reject(this.#end);
    const entry = {};
    const promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
    this.#waiting.push(entry);
    return within(promise, what, ms).catch((err) => {
      this.#waiting = this.#waiting.filter((w) => w !== entry);
      throw err;
    });
  }
}
