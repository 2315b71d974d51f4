// Uploads a file of a gibibyte by parts, with nothing but fetch and the API, and says on standard output how far it is.
//   node parts.mjs begin FILE    creates the asset, notes its id in FILE, and sends every part
//   node parts.mjs resume FILE   asks the API what has arrived of the asset in FILE, sends the rest, completes, and reads all of it back
// The file is nowhere: part n is made when it is sent. The Go test that runs this kills the first process half-way.
import { readFile, writeFile } from 'node:fs/promises';

const [, , mode, note] = process.argv;
const { ASSETRY_API: api, ASSETRY_KEY: key, ASSETRY_WORKSPACE: workspace, ASSETRY_PICTURE: picture } = process.env;

const partSize = 5 * 1024 * 1024;
const size = 1024 * 1024 * 1024;
const count = Math.ceil(size / partSize);
const atOnce = 6;

async function call(method, path, body) {
  const answer = await fetch(`${api}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  const json = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status} ${JSON.stringify(json)}`);
  return json;
}

// part is the bytes of part n: the file begins as a picture, and what follows a picture's end belongs to the file.
const head = await readFile(picture);
function part(n) {
  const bytes = Buffer.alloc(Math.min(partSize, size - (n - 1) * partSize), `part ${n} of ${count}. `);
  if (n === 1) head.copy(bytes);
  return bytes;
}

async function send({ part_number: n, url }) {
  const answer = await fetch(url, { method: 'PUT', body: part(n) });
  if (!answer.ok) throw new Error(`the bucket answered ${answer.status} to part ${n}: ${await answer.text()}`);
  console.log(`sent ${n}`);
}

// sendAll sends parts, several at once.
async function sendAll(parts) {
  const rest = [...parts];
  const sender = async () => {
    while (rest.length > 0) await send(rest.shift());
  };
  await Promise.all(Array.from({ length: atOnce }, sender));
}

async function begin() {
  const created = await call('POST', '/assets', {
    source: 'multipart', workspace_id: workspace, file_name: 'large.png', content_type: 'image/png', size_bytes: size, part_size: partSize,
  });
  if (created.upload.part_count !== count) throw new Error(`${created.upload.part_count} parts, want ${count}`);
  await writeFile(note, created.asset_id);
  await sendAll(created.upload.parts);
}

// arrived asks what the bucket has, in pages of fifty.
async function arrived(asset) {
  const parts = [];
  for (let cursor = ''; ;) {
    const page = await call('GET', `/assets/${asset}/parts?limit=50${cursor && `&cursor=${cursor}`}`);
    parts.push(...page.parts);
    if (!page.next_cursor) return parts;
    cursor = page.next_cursor;
  }
}

async function resume() {
  const asset = await readFile(note, 'utf8');
  const have = new Set((await arrived(asset)).map((p) => p.part_number));
  const missing = Array.from({ length: count }, (_, i) => i + 1).filter((n) => !have.has(n));
  console.log(`had ${have.size}`);
  if (missing.length > 0) {
    await sendAll((await call('POST', `/assets/${asset}/parts`, { part_numbers: missing })).parts);
  }
  let state = await call('POST', `/assets/${asset}/complete`, {
    parts: (await arrived(asset)).map(({ part_number, etag }) => ({ part_number, etag })),
  });
  while (state.status === 'pending_upload') {
    await new Promise((resolve) => setTimeout(resolve, 200));
    state = await call('GET', `/assets/${asset}`);
  }
  console.log(`is ${state.status}`);
  await compare((await call('GET', `/assets/${asset}`)).url);
}

// compare reads the file by its link and holds every byte against what was sent.
async function compare(url) {
  let n = 1;
  let want = part(n);
  let at = 0;
  let total = 0;
  for await (const chunk of (await fetch(url)).body) {
    let bytes = chunk;
    total += bytes.length;
    while (bytes.length > 0) {
      if (at === want.length) [n, want, at] = [n + 1, part(n + 1), 0];
      const m = Math.min(bytes.length, want.length - at);
      if (want.compare(bytes, 0, m, at, at + m) !== 0) throw new Error(`part ${n} came back changed, after byte ${at}`);
      [at, bytes] = [at + m, bytes.subarray(m)];
    }
  }
  if (total !== size) throw new Error(`${total} bytes came back, want ${size}`);
  console.log(`read ${total}`);
}

await { begin, resume }[mode]();
