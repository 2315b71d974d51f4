// Sends a scan of an order in six parts, in two processes, and says on standard output how far it is.
//   node orders-resume.mjs begin FILE    makes the order, notes in FILE what the documentation tells clients to save, and sends every part
//   node orders-resume.mjs resume FILE   asks what has arrived, sends the rest, submits the order, and reads what it delivers
// The Go test that runs this kills the first process half-way.
import { readFile, writeFile } from 'node:fs/promises';
import { assert, sha256 } from './harness.mjs';
import { begin, connectOrders, download, ends, finish, put, room, session, submit, upload } from './orders.mjs';

const [, , mode, note] = process.argv;
const partSize = 5 * 1024 * 1024;
const request = await connectOrders();
const scan = await room();

// send sends parts and notes each before it says so.
async function send(saved, urls) {
  for (const { PartNumber, signedUrl } of urls) {
    const ETag = await put(signedUrl, scan.subarray((PartNumber - 1) * partSize, PartNumber * partSize));
    saved.parts.push({ PartNumber, ETag });
    await writeFile(note, JSON.stringify(saved));
    console.log(`sent ${PartNumber}`);
  }
}

await {
  async begin() {
    const { order_id: order } = await begin(request, 'Two processes');
    const begun = await upload(request, order, { mode: 'multi', parts: Math.ceil(scan.length / partSize) });
    await send({ asset_id: begun.asset_id, order_id: order, upload_id: begun.upload_id, parts: [] }, begun.part_urls);
  },

  async resume() {
    const saved = JSON.parse(await readFile(note, 'utf8'));
    const { uploadSession: state } = await request(`query ($id: ID!) { uploadSession(asset_id: $id) { ${session} } }`, { id: saved.asset_id });
    assert.deepEqual([state.upload_status, state.part_count, state.part_urls], ['pending', 6, null]);
    console.log(`had ${state.parts_received}`);
    const { reissueUpload: again } = await request(`mutation ($id: ID!) { reissueUpload(asset_id: $id) { ${session} } }`, { id: saved.asset_id });
    assert.equal(again.upload_id, saved.upload_id);
    const noted = new Set(saved.parts.map((p) => p.PartNumber));
    await send(saved, again.part_urls.filter((p) => !noted.has(p.PartNumber)));
    assert.equal((await finish(request, saved, saved.parts)).upload_status, 'ready');
    await submit(request, saved.order_id);
    const done = await ends(request, saved.order_id);
    console.log(`is ${done.order_status}`);
    const files = {};
    for (const d of done.deliverables) files[d.asset_name] = (await download(request, d.asset_id)).bytes;
    const report = JSON.parse(Object.entries(files).find(([name]) => name.endsWith('.json'))[1]);
    assert.equal(report.scan.bytes, scan.length);
    for (const name of report.view.files) assert.equal(sha256(files[name]), report.view.sha256[name]);
    console.log(`read ${Object.keys(files).length} files`);
  },
}[mode]();
