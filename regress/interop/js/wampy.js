// Copyright (c) 2026 The wampd authors
// SPDX-License-Identifier: ISC
//
// One conversation of wampy.js with a router.
// node wampy.js url serializer
// NODE_EXTRA_CA_CERTS names the CA to trust.

'use strict';
const assert = require('assert');
const { Wampy } = require('wampy');
const WebSocket = require('ws');

const [url, serializer] = process.argv.slice(2);
const S = {
	json: () => new (require('wampy/JsonSerializer.js').JsonSerializer)(),
	msgpack: () => new (require('wampy/MsgpackSerializer.js')
	    .MsgpackSerializer)(),
	cbor: () => new (require('wampy/CborSerializer.js').CborSerializer)(),
};

function client() {
	return new Wampy(url, {
		realm: 'realm1',
		maxRetries: 1,
		ws: WebSocket,
		serializer: S[serializer](),
	});
}

async function main() {
	const wampy = client(), publisher = client();

	await wampy.connect();
	await publisher.connect();
	const got = new Promise((resolve) => {
		wampy.subscribe('com.example.wampy', resolve).then(() =>
		    publisher.publish('com.example.wampy',
			{ argsList: [1, 'two', [3.5, null]],
			    argsDict: { key: true } }));
	});
	const ev = await got;
	assert.deepStrictEqual(ev.argsList, [1, 'two', [3.5, null]]);
	assert.deepStrictEqual({ ...ev.argsDict }, { key: true });

	await wampy.register('com.example.add', (r) => ({
		argsList: [r.argsList[0] + r.argsList[1]]
	}));
	const res = await wampy.call('com.example.add', [2, 3]);
	assert.deepStrictEqual(res.argsList, [5]);
	await wampy.unregister('com.example.add');
	let err = null;
	try {
		await wampy.call('com.example.add', [2, 3]);
	} catch (e) {
		err = e;
	}
	assert.ok(err !== null);
	assert.strictEqual(err.error || err.errorUri ||
	    wampy.getOpStatus().error?.errorUri,
	    'wamp.error.no_such_procedure');
	await wampy.disconnect();
	await publisher.disconnect();
	console.log('done');
}

setTimeout(() => {
	console.error('nothing happened in time');
	process.exit(1);
}, 15000).unref();
main().then(() => process.exit(0), (e) => {
	console.error(e);
	process.exit(1);
});
