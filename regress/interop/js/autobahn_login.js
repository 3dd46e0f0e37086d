// Copyright (c) 2026 The wampd authors
// SPDX-License-Identifier: ISC
//
// Log-ins of Autobahn|JS, one after the other.
// node autobahn_login.js JSON
// The JSON object names transport, where, serializer and a list of logins;
// a line of JSON on standard output for each says what came of it.
// NODE_EXTRA_CA_CERTS names the CA to trust.

'use strict';
const autobahn = require('autobahn');

const job = JSON.parse(process.argv[2]);
const S = {
	json: () => new autobahn.serializer.JSONSerializer(),
	msgpack: () => new autobahn.serializer.MsgpackSerializer(),
	cbor: () => new autobahn.serializer.CBORSerializer(),
};

function transport() {
	if (job.transport === 'websocket')
		return { url: job.where, serializers: [S[job.serializer]()] };
	const t = { type: 'rawsocket', serializer: S[job.serializer](),
	    protocol: 'wamp.2.' + job.serializer };
	if (job.transport === 'unix')
		t.path = job.where;
	else
		[t.host, t.port] = job.where.split(':');
	return { transports: [t] };
}

function keyPair(login) {
	return autobahn.nacl.sign.keyPair.fromSeed(
	    new Uint8Array(Buffer.from(login.secret, 'hex')));
}

function answer(login, method, extra) {
	let key = login.secret;

	if (method === 'ticket')
		return key;
	if (method === 'cryptosign')
		return autobahn.auth_cryptosign.sign_challenge(
		    keyPair(login), extra);
	if (extra.salt)
		key = autobahn.auth_cra.derive_key(key, extra.salt,
		    extra.iterations, extra.keylen);
	return autobahn.auth_cra.sign(key, extra.challenge);
}

function options(login) {
	const o = { realm: 'realm1', max_retries: 0,
	    authid: login.authid || undefined,
	    authmethods: [login.method],
	    onchallenge: (session, method, extra) =>
		answer(login, method, extra),
	    ...transport() };

	if (login.method === 'cryptosign')
		o.authextra = { channel_binding: null,
		    pubkey: autobahn.auth_cryptosign.public_key(
			keyPair(login)) };
	return o;
}

// The session can do something.
async function use(session) {
	await session.publish('com.example.topic', [1], {},
	    { acknowledge: true });
	const reg = await session.register('com.example.add',
	    (a) => a[0] + a[1]);
	const result = await session.call('com.example.add', [2, 3]);
	await session.unregister(reg);
	return result;
}

function attempt(login) {
	return new Promise((resolve) => {
		const connection = new autobahn.Connection(options(login));
		let said = {};

		connection.onopen = async (session, details) => {
			said = { realm: details.realm,
			    authid: details.authid,
			    authrole: details.authrole,
			    authmethod: details.authmethod,
			    authprovider: details.authprovider };
			try {
				said.result = await use(session);
			} catch (e) {
				said.error = String(e.error || e);
			}
			connection.close();
		};
		connection.onclose = (reason, details) => {
			said.reason = details.reason || reason;
			resolve(said);
			return true;
		};
		connection.open();
	});
}

async function main() {
	for (const login of job.logins)
		process.stdout.write(JSON.stringify(await attempt(login)) +
		    '\n');
}

console.warn = () => {};	// its own notes go to standard output
console.log = () => {};
main().then(() => process.exit(0), (e) => {
	console.error(e);
	process.exit(1);
});
