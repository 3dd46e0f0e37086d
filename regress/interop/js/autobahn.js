// Copyright (c) 2026 The wampd authors
// SPDX-License-Identifier: ISC
//
// One conversation of Autobahn|JS with a router.
// node autobahn.js transport url-or-path serializer
// NODE_EXTRA_CA_CERTS names the CA to trust.

'use strict';
const assert = require('assert');
const autobahn = require('autobahn');

const [transport, where, serializer] = process.argv.slice(2);
const S = {
	json: () => new autobahn.serializer.JSONSerializer(),
	msgpack: () => new autobahn.serializer.MsgpackSerializer(),
	cbor: () => new autobahn.serializer.CBORSerializer(),
};

function options() {
	const o = { realm: 'realm1', max_retries: 0 };

	if (transport === 'websocket') {
		o.url = where;
		o.serializers = [S[serializer]()];
		return o;
	}
	const t = { type: 'rawsocket', serializer: S[serializer](),
	    protocol: 'wamp.2.' + serializer };
	if (transport === 'unix')
		t.path = where;
	else
		[t.host, t.port] = where.split(':');
	o.transports = [t];
	return o;
}

async function conversation(session) {
	const got = new Promise((resolve) => {
		session.subscribe('com.example.js', (args, kwargs) =>
		    resolve([args, kwargs])).then(() =>
			session.publish('com.example.js', [1, 'two', [3.5, null]],
			    { key: true },
			    { acknowledge: true, exclude_me: false }));
	});
	const [args, kwargs] = await got;
	assert.deepStrictEqual(args, [1, 'two', [3.5, null]]);
	assert.deepStrictEqual({ ...kwargs }, { key: true });

	const reg = await session.register('com.example.add',
	    (a) => a[0] + a[1]);
	assert.strictEqual(await session.call('com.example.add', [2, 3]), 5);
	await session.register('com.example.fail', () => {
		throw new autobahn.Error('com.example.error', ['bad'],
		    { code: 7 });
	});
	let err = null;
	try {
		await session.call('com.example.fail');
	} catch (e) {
		err = e;
	}
	assert.strictEqual(err.error, 'com.example.error');
	assert.deepStrictEqual(err.args, ['bad']);
	await session.unregister(reg);
	err = null;
	try {
		await session.call('com.example.add', [2, 3]);
	} catch (e) {
		err = e;
	}
	assert.strictEqual(err.error, 'wamp.error.no_such_procedure');
}

const connection = new autobahn.Connection(options());
const late = setTimeout(() => {
	console.error('nothing happened in time');
	process.exit(1);
}, 15000);

connection.onopen = (session) => {
	conversation(session).then(() => {
		clearTimeout(late);
		connection.close();
		console.log('done');
		setTimeout(() => process.exit(0), 100);
	}, (e) => {
		console.error(e);
		process.exit(1);
	});
};
connection.onclose = (reason, details) => {
	if (reason !== 'closed') {
		console.error('closed: ' + reason + ' ' +
		    JSON.stringify(details));
		process.exit(1);
	}
	return true;
};
connection.open();
