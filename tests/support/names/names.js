// dns.lookup, which every connection uses; with --resolve dns.resolve4, which asks a resolver by
// itself.
const dns = require('dns').promises;

async function main(names) {
  const resolve = names[0] === '--resolve';
  for (const name of resolve ? names.slice(1) : names) {
    const began = process.hrtime.bigint();
    let found = [];
    try {
      found = resolve ? await dns.resolve4(name)
        : (await dns.lookup(name, { all: true })).map((one) => one.address);
    } catch (error) {
      // none
    }
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    console.log([name, seconds.toFixed(3), ...found].join(' '));
  }
}

main(process.argv.slice(2));
