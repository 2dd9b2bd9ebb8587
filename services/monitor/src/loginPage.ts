/** The page of who has no session yet: asks for the token. It needs nothing else from the server. */
export function loginPage(wrong: boolean): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>pairloom: a token is required</title>
    <style>
      :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
      body { margin: 15vh auto 0; padding: 0 1rem; max-width: 26rem; }
      label, input, button { display: block; font: inherit; }
      input { box-sizing: border-box; width: 100%; margin: 0.25rem 0 1rem; padding: 0.5rem; }
      button { padding: 0.5rem 1.25rem; }
      .wrong { color: light-dark(#a11, #f88); }
    </style>
  </head>
  <body>
    <h1>pairloom</h1>
    ${wrong ? '<p class="wrong" role="alert">That is not the token.</p>' : ""}
    <p>This dashboard is open to whoever has its token: the value of <code>PAIRLOOM_TOKEN</code> where it was started.</p>
    <form method="post" action="/login">
      <label>Token <input type="password" name="token" required autofocus autocomplete="current-password" /></label>
      <button type="submit">Open the dashboard</button>
    </form>
  </body>
</html>
`;
}
