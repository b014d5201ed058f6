// Stands in for the program sops where there is none: `sops --decrypt --output-type json
// FILE`, with exit codes of sops. What decrypts is the package sops-age; it does not check
// the MAC.
import { readFileSync } from "node:fs";
import { decryptSops } from "sops-age";

const NO_KEY = 128;
const BROKEN = 25;
const [decrypt, outputType, json, file, ...more] = process.argv.slice(2);
if (`${decrypt} ${outputType} ${json}` !== "--decrypt --output-type json" || !file || more.length) {
  process.exit(1);
}
let secretKey;
try {
  secretKey = readFileSync(process.env.SOPS_AGE_KEY_FILE, "utf8").match(/^AGE-SECRET-KEY-.*$/m)[0];
} catch {
  process.exit(NO_KEY);
}
try {
  process.stdout.write(JSON.stringify(await decryptSops({ path: file, secretKey })));
} catch (error) {
  // As sops does, it may quote what it has read: nothing of it may be shown.
  console.error(`${error}: ${readFileSync(file, "utf8")}`);
  process.exit(/No matching recipient/.test(`${error}`) ? NO_KEY : BROKEN);
}
