// What the browser tests share: the program under test as a child process, Debian's chromium, waiting with a limit.
//
//   SIOC_BIN       path of the program; build/dev/sioc of this repository when not set
//   SIOC_PYTHON    path of the interpreter for programs in Python; build/venv/bin/python when not set
//   CHROMIUM_BIN   path of the browser; /usr/bin/chromium when not set

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const artifacts = path.join(repository, 'tests/artifacts');

const program = path.resolve(repository, process.env.SIOC_BIN || 'build/dev/sioc');
const python = process.env.SIOC_PYTHON || path.join(repository, 'build/venv/bin/python');
const browserProgram = process.env.CHROMIUM_BIN || '/usr/bin/chromium';

const START_MS = 10000;
const STOP_MS = 10000;
export const WAIT_MS = 30000;

const BROWSER_ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run', '--disable-sync'];

function limit(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// The module of the build tree that the program is from; one with ASan needs its runtime before the interpreter.
function environment() {
  const modules = path.join(path.dirname(program), 'python');
  const env = { ...process.env, PYTHONPATH: modules, PYTHONDONTWRITEBYTECODE: '1' };
  if (program.includes('/dev/')) {
    env.LD_PRELOAD = execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
    env.ASAN_OPTIONS = `${process.env.ASAN_OPTIONS ?? ''}:detect_leaks=0`;
  }
  return env;
}

// Starts the program with these arguments, one in Python by its interpreter; resolves when it says that it listens.
// Gives { url, port, log(), stop() }; stop asks politely first and may be called twice.
export async function startServer(...args) {
  const [command, ...all] = /\.py$/.test(args[0]) ? [python, '-m', 'sioc', ...args] : [program, ...args];
  const env = command === python ? environment() : process.env;
  const child = spawn(command, all, { cwd: repository, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let log = '';
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.stderr.on('data', (data) => { log = (log + data).slice(-20000); });

  const ready = new Promise((resolve, reject) => {
    child.once('error', reject);
    ended.then((code) => reject(new Error(`${program} ended with ${code}\n${log}`)));
    child.stdout.on('data', (data) => {
      out = (out + data).slice(-20000);
      const match = out.match(/^listening on (https?:\/\/\S+)$/m);
      if (match) resolve(match[1]);
    });
  });

  const running = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  async function stop() {
    if (!running()) return;
    child.kill('SIGTERM');
    try {
      await limit(ended, STOP_MS, 'the program stops on SIGTERM');
    } catch (error) {
      child.kill('SIGKILL');
      await ended;
      throw error;
    }
  }

  try {
    const url = await limit(ready, START_MS, 'the program listens');
    return { url, port: Number(new URL(url).port), log: () => log, stop };
  } catch (error) {
    if (running()) child.kill('SIGKILL');
    throw error;
  }
}

export async function startBrowser() {
  const browser = await chromium.launch({ executablePath: browserProgram, args: BROWSER_ARGUMENTS, timeout: 30000 });
  mkdirSync(artifacts, { recursive: true });
  return browser;
}

// A page in a context of its own: another person with another localStorage. Its script errors are collected.
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  page.scriptErrors = [];
  page.on('pageerror', (error) => page.scriptErrors.push(error.message));
  page.on('dialog', (dialog) => { page.scriptErrors.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(url);
  return page;
}

export function screenshot(page, name) {
  return page.screenshot({ path: path.join(artifacts, `${name}.png`) });
}

// Asks until the answer is true, and gives it.
export async function until(what, ask, ms = WAIT_MS) {
  const end = Date.now() + ms;
  while (Date.now() < end) {
    const answer = await ask();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: not within ${ms} ms`);
}

// A PNG of noise as a Buffer, drawn by the page: width * height * 3 bytes or so, which does not compress.
export async function noisePng(page, width, height) {
  const url = await page.evaluate(([w, h]) => {
    const canvas = document.createElement('canvas');
    canvas.width = w;
    canvas.height = h;
    const paint = canvas.getContext('2d');
    const image = paint.createImageData(w, h);
    for (let i = 0; i < image.data.length; i += 1) image.data[i] = i % 4 === 3 ? 255 : Math.floor(Math.random() * 256);
    paint.putImageData(image, 0, 0);
    return canvas.toDataURL('image/png');
  }, [width, height]);
  return Buffer.from(url.split(',')[1], 'base64');
}
