// What the pages do better with a script: times in the viewer's zone, buttons that are pressed once, runs that are seen live.

const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function ago(at) {
  const distance = (at - Date.now()) / 1000;
  for (const [unit, size] of units) {
    if (Math.abs(distance) >= size) return relative.format(Math.trunc(distance / size), unit);
  }
  return distance > 1 ? "in a moment" : "just now";
}

function tellTimes(within = document) {
  for (const one of within.querySelectorAll("time[datetime]")) {
    const at = new Date(one.dateTime);
    const said = ago(at);
    if (one.textContent !== said) one.textContent = said;
    one.title = absolute.format(at);
  }
}

function pressOnce() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
    }
  });
}

function closeSheets() {
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && document.querySelector("details.sure[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
}

// Figures that can only grow never jump back, whatever order answers come in.
const grown = new Map();
function keepGrown(within) {
  for (const one of within.querySelectorAll("[data-grows]")) {
    const known = grown.get(one.dataset.grows) ?? 0;
    const now = Number(one.dataset.value);
    if (now >= known) {
      grown.set(one.dataset.grows, now);
    } else if (one instanceof HTMLProgressElement) {
      one.value = known;
    } else {
      one.textContent = known.toLocaleString("en");
    }
  }
}

function watch(live) {
  const fresh = document.querySelector("[data-fresh]");
  const says = document.querySelector("[data-says]");
  const address = live.dataset.live;
  let last = Date.now();
  let told = "";
  let source = null;
  let timer = null;
  let over = false;

  const stop = () => {
    source?.close();
    clearTimeout(timer);
    source = timer = null;
  };

  const show = (news) => {
    last = Date.now();
    const made = document.createElement("template");
    made.innerHTML = news.html;
    keepGrown(made.content);
    tellTimes(made.content);
    const parts = [...made.content.querySelectorAll(".part")];
    for (const old of [...live.querySelectorAll(".part")]) {
      // What has only been left out while the run goes on stays.
      if (parts.some((one) => one.id === old.id) || !(news.ended || old.id === "part-now")) continue;
      if (old.contains(document.activeElement)) document.getElementById("run-title").focus();
      old.remove();
    }
    let before = null;
    for (const part of parts) {
      const old = document.getElementById(part.id);
      if (!old) {
        before ? before.after(part) : live.prepend(part);
        before = part;
      } else {
        before = old.isEqualNode(part) ? old : replaced(old, part, news.ended);
      }
    }
    const state = news.state + "/" + (news.step ?? "");
    if (state !== told) {
      if (told) says.textContent = live.querySelector(".big").textContent.trim() + ". " + live.querySelector("[data-sentence]").textContent;
      told = state;
    }
    if (news.ended) {
      over = true;
      stop();
      fresh.textContent = "This run has ended.";
    } else {
      tellFresh();
    }
  };

  // Where somebody is in the midst of a part, it is left alone; an open sheet stays open. At the end nothing old stays.
  const replaced = (old, part, ended) => {
    const busy = !ended && old.contains(document.activeElement) || old.querySelector("details.sure[open]");
    if (busy && old.dataset.state === part.dataset.state) {
      for (const name of [".big", ".lead", ".facts", ".steps"]) {
        const [mine, theirs] = [old.querySelector(name), part.querySelector(name)];
        if (mine && theirs && !mine.contains(document.activeElement)) mine.replaceWith(theirs);
      }
      return old;
    }
    const focused = old.contains(document.activeElement) && document.activeElement;
    const scrolled = old.querySelector(".scroll")?.scrollLeft;
    old.replaceWith(part);
    if (scrolled && part.querySelector(".scroll")) part.querySelector(".scroll").scrollLeft = scrolled;
    if (focused) (sameAs(focused, part) ?? document.getElementById("run-title")).focus();
    return part;
  };

  // What stands in the new part where the focus was: the same link, or the same table.
  const sameAs = (focused, part) => {
    if (focused.href) return [...part.querySelectorAll("a[href]")].find((one) => one.href === focused.href);
    return focused.matches(".scroll") ? part.querySelector(".scroll") : null;
  };

  const tellFresh = () => {
    const seconds = Math.round((Date.now() - last) / 1000);
    const stale = seconds > 20;
    fresh.textContent = document.hidden ? "Paused while this tab is hidden." : "Updated " + (seconds < 3 ? "just now" : seconds + " s ago") + (stale ? "; trying again." : ".");
    fresh.parentElement.classList.toggle("stale", stale);
  };

  const poll = async () => {
    timer = null;
    try {
      const answer = await fetch(address + "/now", { headers: { accept: "application/json" } });
      if (answer.status === 403 || answer.status === 404) {
        over = true;
        fresh.textContent = (await answer.json()).says;
        fresh.parentElement.classList.add("stale");
        return;
      }
      if (answer.ok) show(await answer.json());
    } catch {
      // The line below says for how long nothing has come.
    }
    if (!over && !document.hidden) timer = setTimeout(poll, 3000);
  };

  const start = () => {
    stop();
    if (over || document.hidden) return;
    last = Date.now();
    source = new EventSource(address + "/live");
    source.onmessage = (event) => show(JSON.parse(event.data));
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      stop();
      poll();
    };
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start(), over || tellFresh()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && start());
  setInterval(() => {
    if (over) return;
    tellFresh();
    // Something in between swallows the stream: ask instead.
    if (source && Date.now() - last > 10000) {
      stop();
      poll();
    }
  }, 1000);
  keepGrown(live);
  start();
}

// What was said is said once: neither a reload nor a copied address says it again.
function forgetSaid() {
  const here = new URL(location.href);
  if (!here.searchParams.has("said")) return;
  here.searchParams.delete("said");
  history.replaceState(history.state, "", here);
}

tellTimes();
forgetSaid();
setInterval(() => tellTimes(), 20000);
for (const one of document.querySelectorAll("[data-zone]")) one.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "your own zone";
pressOnce();
closeSheets();
const live = document.querySelector("[data-live]");
if (live) watch(live);
