// Copyright (c) 2026 The wampd authors
// SPDX-License-Identifier: ISC
//
// What cases share: a line for each, what came in its order, errors that
// are to come.

'use strict';
const assert = require('assert');

class Box {
	constructor() {
		this.items = [];
		this.waiting = null;
	}

	put(item) {
		this.items.push(item);
		if (this.waiting !== null) {
			this.waiting();
			this.waiting = null;
		}
	}

	async take() {
		while (this.items.length === 0)
			await new Promise((resolve) => {
				this.waiting = resolve;
			});
		return this.items.shift();
	}
}

function uriOf(e) {
	return e.error || e.errorUri || String(e);
}

async function fails(promise, uri) {
	let got;

	try {
		got = await promise;
	} catch (e) {
		assert.strictEqual(uriOf(e), uri);
		return;
	}
	assert.fail('no error came, but ' + JSON.stringify(got));
}

// cases: [[name, function], ...]
async function run(cases) {
	for (const [name, fn] of cases) {
		let late;
		const limit = new Promise((_, reject) => {
			late = setTimeout(() => reject(new Error(
			    'nothing happened in time')), 10000);
		});
		try {
			await Promise.race([fn(), limit]);
			console.log('ok - ' + name);
		} catch (e) {
			console.log(e);
			console.log('not ok - ' + name + ' -- ' +
			    (e.message || uriOf(e)).split('\n')[0]);
		}
		clearTimeout(late);
	}
	console.log('done');
	process.exit(0);
}

module.exports = { Box, fails, run };
