// Talking to the service: JSON over fetch, live updates over a fetch stream.
// (EventSource cannot send the token, so the stream is read by hand.)

const login = document.getElementById("login");

function headers() {
  const token = sessionStorage.getItem("token");
  return token ? { Authorization: `Bearer ${token}` } : {};
}

function askForToken() {
  if (!login.open) login.showModal();
  return new Promise((resolve) => {
    login.addEventListener("close", () => {
      const field = document.getElementById("token");
      if (field.value) sessionStorage.setItem("token", field.value.trim());
      field.value = "";
      resolve();
    }, { once: true });
  });
}

async function request(path, options = {}) {
  for (;;) {
    const response = await fetch(path, { headers: headers(), cache: "no-store", ...options });
    if (response.status !== 401) return response;
    await askForToken();
  }
}

export async function get(path) {
  const response = await request(`api/v1/${path}`);
  if (!response.ok) {
    const body = await response.json().catch(() => ({}));
    throw new Error(body.detail || `the service answered ${response.status}`);
  }
  return response.json();
}

/** Calls onChange for each change, onState(true|false) as the stream comes and goes. */
export async function follow(onChange, onState) {
  let wait = 500;
  for (;;) {
    try {
      const response = await request("api/v1/live");
      if (!response.ok) throw new Error(String(response.status));
      onState(true);
      wait = 500;
      await readLines(response.body, (line) => {
        if (line.startsWith("data:")) onChange();
      });
    } catch {
      // Any failure means the same: try again, a little later each time.
    }
    onState(false);
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())));
    wait = Math.min(wait * 2, 15000);
  }
}

async function readLines(body, onLine) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    lines.forEach(onLine);
  }
}
