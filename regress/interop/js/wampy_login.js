// Copyright (c) 2026 The wampd authors
// SPDX-License-Identifier: ISC
//
// Log-ins of wampy.js, one after the other.
// node wampy_login.js JSON
// The JSON object names where (a URL), serializer and a list of logins; a line
// of JSON on standard output for each says what came of it.
// NODE_EXTRA_CA_CERTS names the CA to trust.

'use strict';
const { Wampy } = require('wampy');
const cryptosign = require('wampy/cryptosign.js');
const nacl = require('tweetnacl');

const job = JSON.parse(process.argv[2]);
const S = {
	json: () => new (require('wampy/JsonSerializer.js').JsonSerializer)(),
	msgpack: () => new (require('wampy/MsgpackSerializer.js')
	    .MsgpackSerializer)(),
	cbor: () => new (require('wampy/CborSerializer.js').CborSerializer)(),
};

function client(login, wampcra) {
	const o = {
		realm: 'realm1', ws: require('ws'), maxRetries: 1,
		serializer: S[job.serializer](), authid: login.authid,
		authmethods: [login.method],
	};

	if (login.method === 'ticket')
		o.onChallenge = () => login.secret;
	else if (login.method === 'wampcra')
		o.onChallenge = wampcra.sign(login.secret);
	else {
		const seed = new Uint8Array(Buffer.from(login.secret, 'hex'));

		o.onChallenge = cryptosign.sign(login.secret);
		o.authextra = { pubkey: Buffer.from(nacl.sign.keyPair
		    .fromSeed(seed).publicKey).toString('hex') };
	}
	return new Wampy(job.where, o);
}

// The session can do something.
async function use(wampy) {
	await wampy.publish('com.example.topic', 1);
	await wampy.register('com.example.add', (r) => ({
		argsList: [r.argsList[0] + r.argsList[1]]
	}));
	const r = await wampy.call('com.example.add', [2, 3]);
	await wampy.unregister('com.example.add');
	return r.argsList[0];
}

async function attempt(login, wampcra) {
	const wampy = client(login, wampcra);
	let d;

	try {
		d = await wampy.connect();
	} catch (e) {
		return { reason: e.errorUri || String(e) };
	}
	const said = { realm: d.realm, authid: d.authid,
	    authrole: d.authrole, authmethod: d.authmethod,
	    authprovider: d.authprovider };
	try {
		said.result = await use(wampy);
	} catch (e) {
		said.error = e.errorUri || String(e);
	}
	await wampy.disconnect();
	return said;
}

async function main() {
	// its entry for require() names a file of the other kind
	const wampcra = await import('wampy/wampcra.js');

	for (const login of job.logins)
		process.stdout.write(JSON.stringify(
		    await attempt(login, wampcra)) + '\n');
}

main().then(() => process.exit(0), (e) => {
	console.error(e);
	process.exit(1);
});
