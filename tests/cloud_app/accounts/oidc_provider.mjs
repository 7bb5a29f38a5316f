// A certified OpenID provider (panva/node-oidc-provider) for the tests: signs people in by name.
// Usage: node oidc_provider.mjs SETTINGS.json, with issuer, port, client, people and signing keys.
import { readFileSync } from "node:fs";
import Provider from "oidc-provider";

const settings = JSON.parse(readFileSync(process.argv[2], "utf8"));
const provider = new Provider(settings.issuer, {
  clients: [settings.client],
  jwks: { keys: settings.keys },
  pkce: { required: () => true },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: settings.conform,
  findAccount: (_ctx, id) =>
    settings.people[id] && {
      accountId: id,
      claims: async () => ({ sub: id, ...settings.people[id] }),
    },
  features: { devInteractions: { enabled: true } },
  cookies: { keys: ["only for tests"] },
});
provider.listen(settings.port, "127.0.0.1");
