// The page of figures: tiles, plots and totals from samples that the server pushes, or that are fetched where the
// browser client is missing.

import { connect, hasClient } from './connect.js';
import { bytes, count, millis, uptime } from './format.js';
import { Plot } from './plot.js';

const $ = (id) => document.getElementById(id);
const kept = 600_000; // milliseconds of samples
const delay = 1100; // milliseconds that the plots are behind, so that the next sample is there when they reach it

const plots = [
  {
    title: 'Connections by transport',
    format: count,
    stacked: true,
    least: 4,
    series: [
      { name: 'WebSocket', color: '--c1', of: (s) => s.websocket },
      { name: 'polling', color: '--c2', of: (s) => s.polling },
    ],
  },
  {
    title: 'Messages per second',
    format: count,
    least: 4,
    series: [
      { name: 'out', color: '--c1', of: (s) => s.eventsOut, fill: true },
      { name: 'in', color: '--c2', of: (s) => s.eventsIn },
    ],
  },
  {
    title: 'Bytes per second',
    format: bytes,
    least: 1024,
    binary: true,
    series: [
      { name: 'out', color: '--c1', of: (s) => s.bytesOut, fill: true },
      { name: 'in', color: '--c2', of: (s) => s.bytesIn },
    ],
  },
  {
    title: 'Loop lag',
    format: millis,
    least: 1,
    series: [{ name: 'worst of each second', color: '--c4', of: (s) => s.lag, fill: true }],
  },
  {
    title: 'Drops per second',
    format: count,
    stacked: true,
    wide: true,
    least: 4,
    series: [
      { name: 'volatile', color: '--c2', of: (s) => s.dropsVolatile },
      { name: 'closed', color: '--c1', of: (s) => s.dropsClosed },
      { name: 'slow readers', color: '--c3', of: (s) => s.dropsSlow },
      { name: 'refused', color: '--c4', of: (s) => s.dropsRefused },
    ],
  },
].map((spec) => new Plot(spec));

const tiles = [
  ['Connections', (s) => [count(s.connections), `${count(s.sockets)} sockets`]],
  ['On WebSocket', (s) => [count(s.websocket), `${count(s.polling)} on polling`]],
  ['Messages', (s) => [`${count(s.eventsIn + s.eventsOut)} /s`, `${count(s.eventsIn)} in, ${count(s.eventsOut)} out`]],
  ['Traffic', (s) => [`${bytes(s.bytesIn + s.bytesOut)}/s`, `${bytes(s.bytesIn)} in, ${bytes(s.bytesOut)} out`]],
  ['Loop lag', (s) => [millis(s.lag), 'worst of this second', s.lag > 10]],
  ['Drops', (s) => [`${count(drops(s))} /s`, 'packets and refusals', s.dropsSlow + s.dropsClosed > 0]],
].map(([title, of]) => tile(title, of));

const totals = [
  ['Sessions opened', 'SessionsOpened'],
  ['Sessions closed', 'SessionsClosed'],
  ['Upgrades to WebSocket', 'Upgrades'],
  ['Sockets connected', 'SocketsOpened'],
  ['HTTP requests', 'Requests'],
  ['Packets in', 'PacketsIn'],
  ['Packets out', 'PacketsOut'],
  ['Events in', 'EventsIn'],
  ['Events without a handler', 'EventsUnhandled'],
  ['Events out', 'EventsOut'],
  ['Bytes in', 'BytesIn', bytes],
  ['Bytes out', 'BytesOut', bytes],
  ['Connections refused', 'ConnectionsRefused', count, true],
  ['Accept pauses', 'AcceptPauses', count, true],
  ['Bad requests', 'BadRequests'],
  ['Frame errors', 'FrameErrors'],
  ['Packet errors', 'PacketErrors'],
  ['Volatile drops', 'VolatileDrops'],
  ['Oldest dropped', 'OldestDrops'],
  ['Newest dropped', 'NewestDrops'],
  ['Conflated', 'Conflated'],
  ['Slow consumers', 'SlowConsumers', count, true],
  ['Write stalls', 'WriteStalls', count, true],
  ['Panics', 'Panics', count, true],
  ['Turns over 10 ms', 'SlowTurns'],
  ['Pooled packets in use', 'LivePackets'],
  ['Goroutines', 'Goroutines'],
  ['Heap', 'HeapBytes', bytes],
];

let samples = [];
let process = null;
let skew = null; // this clock less the server's, smoothed
let paused = 0; // when, on this clock

function drops(s) {
  return s.dropsVolatile + s.dropsClosed + s.dropsSlow + s.dropsRefused;
}

function tile(title, of) {
  const box = document.createElement('div');
  box.className = 'tile';
  const head = document.createElement('h2');
  head.textContent = title;
  const value = document.createElement('p');
  value.className = 'value';
  value.textContent = '–';
  const detail = document.createElement('p');
  detail.className = 'detail';
  box.append(head, value, detail);
  $('tiles').append(box);
  return (sample) => {
    const [text, more, bad] = of(sample);
    const [, number, unit] = /^(\S+)\s*(.*)$/.exec(text);
    const small = document.createElement('small');
    small.textContent = unit;
    value.replaceChildren(number, small);
    detail.textContent = more;
    box.dataset.level = bad ? 'bad' : 'good';
  };
}

function begin(report) {
  process = report.process;
  samples = [];
  add(report.samples, report.totals);
}

function add(list, sums) {
  for (const s of list) if (!samples.length || s.at > samples.at(-1).at) samples.push(s);
  const last = samples.at(-1);
  if (!last) return;
  const now = Date.now() - last.at;
  skew = skew === null || Math.abs(now - skew) > 3000 ? now : skew + (now - skew) * 0.1;
  while (samples[0].at < last.at - kept - 5000) samples.shift();
  if (paused) return;
  for (const show of tiles) show(last);
  showTotals(sums, last);
  for (const plot of plots) plot.set(samples);
}

function showTotals(sums, last) {
  $('process').textContent = [
    `Gannet ${process.version}`, process.go, process.os, `${process.cores} ${process.cores === 1 ? 'core' : 'cores'}`,
    `process ${process.pid}`, `up ${uptime(last.at - process.started)}`,
  ].join(' · ');
  $('totals').replaceChildren(...totals.map(([label, key, format = count, hot = false]) => {
    const row = document.createElement('div');
    const term = document.createElement('dt');
    term.textContent = label;
    const value = document.createElement('dd');
    value.textContent = format(sums[key] ?? 0);
    value.classList.toggle('hot', hot && sums[key] > 0);
    row.append(term, value);
    return row;
  }));
}

// frame moves the plots on with the clock; where motion is not wanted, they move when a sample comes.
let drawn = 0;
const still = matchMedia('(prefers-reduced-motion: reduce)');
function frame(now) {
  requestAnimationFrame(frame);
  if (now - drawn < (still.matches ? 1000 : 40)) return;
  drawn = now;
  const width = 1000 * document.querySelector('#span input:checked').value;
  const end = (paused || Date.now()) - (skew ?? 0) - delay;
  for (const plot of plots) plot.draw(end, width);
}

for (const plot of plots) $('plots').append(plot.element);
addEventListener('themechange', () => plots.forEach((plot) => plot.recolor()));
$('pause').addEventListener('click', () => {
  paused = paused ? 0 : Date.now();
  $('pause').setAttribute('aria-pressed', Boolean(paused));
  $('pause').title = paused ? 'Go on' : 'Pause';
  $('pause').setAttribute('aria-label', $('pause').title);
});
requestAnimationFrame(frame);

if (hasClient) {
  const socket = connect('/stats-feed');
  socket.on('history', begin);
  socket.on('sample', (sample, sums) => process && add([sample], sums));
} else {
  poll(0);
}

// poll fetches what is new, once a second.
async function poll(since) {
  const pill = $('transport');
  try {
    const answer = await fetch(`/stats.json?since=${since}`);
    const report = await answer.json();
    if (since && report.process.started === process.started) add(report.samples, report.totals);
    else begin(report);
    pill.textContent = 'fetching';
    pill.dataset.transport = 'polling';
  } catch {
    pill.textContent = 'offline';
    pill.dataset.transport = 'offline';
  }
  setTimeout(poll, 1000, samples.at(-1)?.at ?? 0);
}
