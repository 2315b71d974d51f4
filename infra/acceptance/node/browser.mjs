// Drives Chromium over a page of another origin, and opens uploads that try to run a script.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { api, assert, connect, html, key, media, mediaPath, reserve, send, workspace } from './harness.mjs';

const { chromium } = createRequire(join(process.env.ASSETRY_TOOLS, 'node', 'package.json'))('playwright-core');
const origin = process.env.ASSETRY_PAGE;
let profile;
let browser;

before(async () => {
  profile = await mkdtemp(join(tmpdir(), 'assetry-browser-'));
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.ASSETRY_CHROMIUM,
    headless: true,
    acceptDownloads: true,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
  });
});

after(async () => {
  await browser?.close();
  await rm(profile, { recursive: true, force: true });
});

async function uploadByPage(path) {
  const page = await browser.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${origin}#${new URLSearchParams({ api, key, workspace })}`);
  await page.setInputFiles('#file', path);
  await page.click('#upload button');
  await page.waitForFunction(() => !['', 'working'].includes(document.getElementById('outcome').textContent));
  const outcome = await page.textContent('#outcome');
  const seen = await page.evaluate(() => window.seen);
  const listed = await page.textContent('#assets');
  const title = await page.title();
  await page.close();
  return { outcome, seen, listed, title, complaints };
}

test('a page of another origin creates, uploads, completes, lists and shows a picture', async () => {
  const { outcome, seen, listed, complaints } = await uploadByPage(mediaPath('picture.png'));
  assert.equal(outcome, 'done');
  assert.deepEqual(complaints, []);
  assert.equal(seen.created.status, 201);
  assert.match(seen.created.requestID ?? '', /^req_/, 'a page cannot read request-id');
  assert.ok(seen.sent.status >= 200 && seen.sent.status < 300, `the bucket answered ${seen.sent.status}`);
  assert.match(seen.sent.etag ?? '', /^"?[0-9a-f]{32}/, 'a page cannot read the ETag');
  assert.equal(seen.completed.body.status, 'ready');
  assert.equal(seen.listed.body.assets[0].asset_id, seen.created.body.asset_id);
  assert.equal(listed, 'picture.png ready');
  assert.deepEqual(seen.shown, { width: 640, height: 427 });
  assert.equal(seen.refused.status, 404);
  assert.equal(seen.refused.body.error.code, 'not_found', 'a page cannot read an error');
  assert.equal(seen.removed.status, 204);
});

test('a page uploads by parts, and goes on after it was loaded again', async () => {
  const large = join(profile, 'large.png'); // what follows a picture's end belongs to the file
  await writeFile(large, Buffer.concat([await media('picture.png'), Buffer.alloc(12 * 1024 * 1024, 7)]));
  const page = await browser.newPage();
  const address = `${origin}#${new URLSearchParams({ api, key, workspace })}`;
  await page.goto(address);
  await page.setInputFiles('#file', large);
  let held;
  const reached = new Promise((resolve) => { held = resolve; });
  await page.route(/partNumber=3/, (route) => (route.request().method() === 'PUT' ? held() : route.continue())); // it never leaves
  await page.click('#parts');
  await reached;
  assert.equal(await page.textContent('#outcome'), 'sent 2');
  await page.reload(); // ends the page and what it was about to send
  await page.unroute(/partNumber=3/);
  await page.setInputFiles('#file', large);
  await page.click('#parts');
  await page.waitForFunction(() => /done|failed/.test(document.getElementById('outcome').textContent));
  assert.equal(await page.textContent('#outcome'), 'done');
  const seen = await page.evaluate(() => window.seen);
  assert.deepEqual([seen.resumed, seen.there, seen.sent], [true, [1, 2], [3]]);
  assert.match(seen.etags[0] ?? '', /^"?[0-9a-f]{32}/, 'a page cannot read the ETag of a part');
  assert.equal(seen.completed.body.status, 'ready');
  assert.deepEqual(seen.shown, { width: 640, height: 427 });
  await page.close();
});

test('a page in disguise is not shown and does not run', async () => {
  const disguise = join(profile, 'cat.png');
  await writeFile(disguise, html);
  const { outcome, seen, title } = await uploadByPage(disguise);
  assert.equal(outcome, 'done');
  assert.equal(seen.completed.body.status, 'failed');
  assert.equal(seen.shown, 'not shown');
  assert.equal(title, 'A page on another origin');
  assert.deepEqual(await open(seen.created.body.url), { status: 404, ran: false, downloaded: false });
});

// open follows a link as a person would who types it in, and tells whether anything ran.
async function open(url) {
  const page = await browser.newPage();
  let downloaded = false;
  page.on('download', (d) => { downloaded = true; d.cancel(); });
  const answer = await page.goto(url).catch((error) => {
    assert.match(String(error), /Download is starting|ERR_ABORTED/);
    downloaded = true;
    return null;
  });
  const ran = (await page.title()) === 'ran' || (await page.evaluate(() => document.scripts.length)) > 0;
  await page.close();
  return { status: answer?.status() ?? null, ran, downloaded };
}

// A JPEG whose comment is a page: real for a decoder, and a page for a browser that guesses types.
async function scriptedPicture() {
  const picture = await media('picture.jpg');
  const comment = Buffer.from(html);
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xfe, (comment.length + 2) >> 8, (comment.length + 2) & 0xff]);
  return Buffer.concat([head, comment, picture.subarray(2)]);
}

test('a picture that carries a script is a picture, whatever it was called', async () => {
  const { client } = connect();
  for (const name of ['cat.jpg', 'cat.html', 'cat.svg']) {
    const created = await reserve(client, { file_name: name, content_type: 'image/jpeg' });
    assert.ok((await send(created.upload, await scriptedPicture(), name, 'image/jpeg')).ok);
    assert.equal((await client.assets.complete(created.asset_id)).status, 'ready');
    const headers = (await fetch(created.url)).headers;
    assert.equal(headers.get('content-type'), 'image/jpeg');
    assert.deepEqual(await open(created.url), { status: 200, ran: false, downloaded: false }, name);
  }
});

test('a drawing with a script is no picture', async () => {
  const { client } = connect();
  const drawing = '<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=\'ran\'"><script>document.title = "ran"</script></svg>';
  const created = await reserve(client, { file_name: 'cat.svg' });
  assert.ok((await send(created.upload, drawing, 'cat.svg', 'image/svg+xml')).ok);
  assert.equal((await client.assets.complete(created.asset_id)).status, 'failed');
  assert.deepEqual(await open(created.url), { status: 404, ran: false, downloaded: false });
});

test('what is no picture, sound or film is downloaded', async () => {
  const { client } = connect();
  const created = await reserve(client, { file_name: 'paper.pdf', content_type: 'application/pdf' });
  assert.ok((await send(created.upload, await media('document.pdf'), 'paper.pdf', 'application/pdf')).ok);
  assert.equal((await client.assets.complete(created.asset_id)).status, 'ready');
  const opened = await open(created.url);
  assert.equal(opened.downloaded, true, 'a document opened inside the browser');
  assert.equal(opened.ran, false);
});
