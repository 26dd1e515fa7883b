// A plot of some series over time, drawn on a canvas. The newest sample is at the right edge and everything moves left.

const top = 8; // pixels around the drawing
const bottom = 22;
const right = 4;

// The moment that the pointer is at, in all plots at once; null when it is in none.
let pointed = null;

export class Plot {
  #spec;
  #canvas = document.createElement('canvas');
  #context = this.#canvas.getContext('2d');
  #samples = [];
  #colors = {};
  #scale = 0; // the end of the axis, which follows the largest value smoothly
  #left = 44;
  #end = 0;
  #width = 1;

  // spec: title, series [{name, color, of, fill}], format, stacked, wide, least (of the axis), binary (ticks by 1024)
  constructor(spec) {
    this.#spec = spec;
    this.element = document.createElement('figure');
    this.element.className = spec.wide ? 'plot wide' : 'plot';
    const caption = document.createElement('figcaption');
    const title = document.createElement('h2');
    title.textContent = spec.title;
    caption.append(title);
    for (const series of spec.series) {
      const key = document.createElement('span');
      key.className = 'key';
      key.style.setProperty('--key', `var(${series.color})`);
      series.value = document.createElement('b');
      series.value.textContent = '–';
      key.append(series.name, ' ', series.value);
      caption.append(key);
    }
    this.#canvas.setAttribute('role', 'img');
    this.#canvas.setAttribute('aria-label', spec.title);
    this.#canvas.addEventListener('pointermove', (event) => this.#point(event));
    this.#canvas.addEventListener('pointerdown', (event) => this.#point(event));
    this.#canvas.addEventListener('pointerleave', () => (pointed = null));
    this.element.append(caption, this.#canvas);
    this.recolor();
  }

  set(samples) {
    this.#samples = samples;
  }

  // recolor reads the colours of the page again.
  recolor() {
    const style = getComputedStyle(document.documentElement);
    const names = ['--line', '--soft', '--ink', '--panel', ...this.#spec.series.map((s) => s.color)];
    this.#colors = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name).trim()]));
    this.#colors.font = `11.5px ${style.getPropertyValue('--font')}`;
  }

  // draw shows the milliseconds before `end`, as wide as `width`.
  draw(end, width) {
    this.#end = end;
    this.#width = width;
    const shown = this.#shown();
    this.#label(shown);
    const { w, h } = this.#resize();
    if (w < 20) return;
    this.#follow(shown);
    const c = this.#context;
    c.clearRect(0, 0, w, h);
    c.font = this.#colors.font;
    this.#axes(w, h);
    c.save();
    c.beginPath();
    c.rect(this.#left, 0, w - this.#left - right, h - bottom + 1);
    c.clip();
    if (this.#spec.stacked) this.#stacked(shown, w, h);
    else for (const series of this.#spec.series) this.#line(shown, series, w, h);
    this.#cursor(shown, w, h);
    c.restore();
  }

  // shown are the samples in view, and one more at the left so that lines reach the edge.
  #shown() {
    const from = this.#end - this.#width;
    let i = this.#samples.length;
    while (i > 0 && this.#samples[i - 1].at >= from) i--;
    return this.#samples.slice(Math.max(0, i - 1));
  }

  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    const share = (event.clientX - box.left - this.#left) / (box.width - this.#left - right);
    pointed = share >= 0 && share <= 1 ? this.#end - this.#width * (1 - share) : null;
  }

  // pointed returns the sample that the pointer is at, if it is at one.
  #pointed(shown) {
    if (pointed === null || !shown.length) return undefined;
    const best = shown.reduce((a, b) => (Math.abs(b.at - pointed) < Math.abs(a.at - pointed) ? b : a));
    return Math.abs(best.at - pointed) < this.#width / 40 ? best : undefined;
  }

  #label(shown) {
    const sample = this.#pointed(shown) ?? shown.at(-1);
    for (const series of this.#spec.series) {
      const text = sample ? this.#spec.format(series.of(sample)) : '–';
      if (series.value.textContent !== text) series.value.textContent = text;
    }
  }

  #resize() {
    const ratio = devicePixelRatio || 1;
    const w = this.#canvas.clientWidth;
    const h = this.#canvas.clientHeight;
    if (this.#canvas.width !== Math.round(w * ratio) || this.#canvas.height !== Math.round(h * ratio)) {
      this.#canvas.width = Math.round(w * ratio);
      this.#canvas.height = Math.round(h * ratio);
    }
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return { w, h };
  }

  // follow moves the end of the axis a part of the way to where it should be.
  #follow(shown) {
    let most = 0;
    for (const sample of shown) {
      const values = this.#spec.series.map((s) => s.of(sample));
      most = Math.max(most, this.#spec.stacked ? values.reduce((a, b) => a + b, 0) : Math.max(...values));
    }
    const goal = Math.max(most * 1.12, this.#spec.least);
    this.#scale = this.#scale === 0 || still.matches ? goal : this.#scale + (goal - this.#scale) * 0.2;
  }

  #x(at, w) {
    return w - right - ((this.#end - at) / this.#width) * (w - this.#left - right);
  }

  #y(value, h) {
    return h - bottom - (value / this.#scale) * (h - bottom - top);
  }

  #axes(w, h) {
    const c = this.#context;
    const { format } = this.#spec;
    c.lineWidth = 1;
    c.strokeStyle = this.#colors['--line'];
    c.fillStyle = this.#colors['--soft'];
    const ticks = this.#ticks();
    this.#left = Math.ceil(Math.max(30, ...ticks.map((t) => c.measureText(format(t)).width)) + 10);
    c.textAlign = 'right';
    c.textBaseline = 'middle';
    c.beginPath();
    for (const tick of ticks) {
      const y = Math.round(this.#y(tick, h)) + 0.5;
      c.moveTo(this.#left, y);
      c.lineTo(w - right, y);
      c.fillText(format(tick), this.#left - 8, y);
    }
    c.stroke();
    c.textBaseline = 'alphabetic';
    const step = this.#width <= 60_000 ? 15_000 : this.#width <= 180_000 ? 60_000 : 120_000;
    for (let at = Math.ceil((this.#end - this.#width) / step) * step; at <= this.#end; at += step) {
      const text = new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: step < 60_000 ? '2-digit' : undefined });
      const half = c.measureText(text).width / 2;
      const x = this.#x(at, w);
      if (x - half < this.#left || x + half > w) continue;
      c.textAlign = 'center';
      c.fillText(text, x, h - 4);
    }
  }

  // ticks are round numbers, about four of them.
  #ticks() {
    const base = this.#spec.binary ? 1024 : 10;
    const raw = this.#scale / 3.5;
    const power = base ** Math.floor(Math.log(raw) / Math.log(base));
    const steps = this.#spec.binary ? [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024] : [1, 2, 5, 10];
    const step = power * steps.find((s) => s * power >= raw);
    const list = [];
    for (let t = 0; t <= this.#scale; t += step) list.push(t);
    return list;
  }

  #line(shown, series, w, h) {
    if (!shown.length) return;
    const c = this.#context;
    const color = this.#colors[series.color];
    const path = new Path2D();
    shown.forEach((s, i) => path[i ? 'lineTo' : 'moveTo'](this.#x(s.at, w), this.#y(series.of(s), h)));
    if (series.fill) {
      const area = new Path2D(path);
      area.lineTo(this.#x(shown.at(-1).at, w), h - bottom);
      area.lineTo(this.#x(shown[0].at, w), h - bottom);
      const shade = c.createLinearGradient(0, top, 0, h - bottom);
      shade.addColorStop(0, `${color}55`);
      shade.addColorStop(1, `${color}08`);
      c.fillStyle = shade;
      c.fill(area);
    }
    this.#stroke(path, color);
  }

  #stacked(shown, w, h) {
    if (!shown.length) return;
    const c = this.#context;
    const base = shown.map(() => 0);
    for (const series of this.#spec.series) {
      const line = new Path2D();
      const area = new Path2D();
      shown.forEach((s, i) => {
        const x = this.#x(s.at, w);
        const y = this.#y(base[i] + series.of(s), h);
        line[i ? 'lineTo' : 'moveTo'](x, y);
        area[i ? 'lineTo' : 'moveTo'](x, y);
      });
      for (let i = shown.length - 1; i >= 0; i--) area.lineTo(this.#x(shown[i].at, w), this.#y(base[i], h));
      shown.forEach((s, i) => (base[i] += series.of(s)));
      c.fillStyle = `${this.#colors[series.color]}38`;
      c.fill(area);
      if (shown.some((s) => series.of(s) > 0)) this.#stroke(line, this.#colors[series.color]);
    }
  }

  #stroke(path, color) {
    const c = this.#context;
    c.strokeStyle = color;
    c.lineWidth = 1.8;
    c.lineJoin = 'round';
    c.stroke(path);
  }

  #cursor(shown, w, h) {
    const sample = this.#pointed(shown);
    if (!sample) return;
    const c = this.#context;
    const x = this.#x(sample.at, w);
    c.strokeStyle = this.#colors['--soft'];
    c.lineWidth = 1;
    c.setLineDash([3, 3]);
    c.beginPath();
    c.moveTo(x, top);
    c.lineTo(x, h - bottom);
    c.stroke();
    c.setLineDash([]);
    let below = 0;
    for (const series of this.#spec.series) {
      below = this.#spec.stacked ? below + series.of(sample) : series.of(sample);
      c.beginPath();
      c.arc(x, this.#y(below, h), 4, 0, 7);
      c.fillStyle = this.#colors[series.color];
      c.fill();
      c.lineWidth = 2;
      c.strokeStyle = this.#colors['--panel'];
      c.stroke();
    }
  }
}

const still = matchMedia('(prefers-reduced-motion: reduce)');
