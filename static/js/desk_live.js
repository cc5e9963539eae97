// @ts-check
/** Owns that the desk's live page is fresh: asks for its changing part again, as long as it is looked at. */

const EVERY_MS = 2_000;

async function refresh() {
  const here = document.getElementById("live");
  if (!here || document.hidden) return;
  try {
    const answer = await fetch("?part=1", { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    if (fresh) here.replaceWith(fresh);
  } catch {
    // the server is away: the page keeps what it shows, and asks again
  }
}

setInterval(refresh, EVERY_MS);
