// An OpenID provider for the tests: `node provider.mjs SETTINGS.json`. Accounts are read
// from the settings at each login, so a test can change them.
import { readFileSync } from "node:fs";
import { Provider } from "oidc-provider";

const file = process.argv[2];
const settings = () => JSON.parse(readFileSync(file, "utf8"));
const { issuer, port, redirect_uri, logout_uri, client_id, client_secret, jwks } = settings();

const provider = new Provider(issuer, {
  clients: [
    {
      client_id,
      client_secret,
      redirect_uris: [redirect_uri],
      backchannel_logout_uri: logout_uri,
      backchannel_logout_session_required: true,
    },
  ],
  claims: {
    openid: ["sub"],
    profile: ["preferred_username"],
    email: ["email"],
    groups: ["groups"],
  },
  scopes: ["openid", "profile", "email", "groups"],
  features: {
    devInteractions: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  findAccount: (_, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, ...settings().accounts[id] }),
  }),
  jwks,
  cookies: { keys: ["a key of the tests"] },
});
// Of one host: the provider sends its logout tokens to FastDeploy on 127.0.0.1.
provider.listen(port, "127.0.0.1", () => console.log("ready"));
