"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { words, items } = data;
  const slot = `plural-study:${data.study}:${data.rater}`;
  const byId = (name) => document.getElementById(name);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
  const radios = [...document.querySelectorAll("input[name=verdict]")];
  const views = ["intro", "pair", "done"];

  let state = { verdicts: {}, seconds: {}, at: 0, shortcuts: true };
  let keeps = true;
  let shown = null; // when the open pair came into sight

  function load() {
    try {
      const kept = JSON.parse(localStorage.getItem(slot) || "{}");
      const known = new Set(items.map((item) => item.id));
      for (const [id, verdict] of Object.entries(kept.verdicts || {}))
        if (known.has(id) && ["1", "2", "tie"].includes(verdict)) state.verdicts[id] = verdict;
      for (const [id, seconds] of Object.entries(kept.seconds || {}))
        if (known.has(id) && Number.isFinite(seconds)) state.seconds[id] = seconds;
      if (Number.isInteger(kept.at) && items[kept.at]) state.at = kept.at;
      if (kept.shortcuts === false) state.shortcuts = false;
    } catch { /* what cannot be read is not there */ }
  }

  function save() {
    try {
      localStorage.setItem(slot, JSON.stringify(state));
      keeps = localStorage.getItem(slot) !== null;
    } catch { keeps = false; }
    byId("saving").textContent = `· ${keeps ? words.saved : words.not_saved}`;
    document.body.classList.toggle("shortcuts", state.shortcuts);
    byId("intro-saving").hidden = keeps;
  }

  const missing = () => items.map((item, index) => index).filter((index) => !(items[index].id in state.verdicts));

  function showProgress() {
    const total = items.length, done = total - missing().length;
    byId("progress").max = total;
    byId("progress").value = done;
    byId("progress-text").textContent = fill(words.progress, { done, total });
  }

  function count() { // adds the time since the pair came into sight
    if (shown === null) return;
    const id = items[state.at].id;
    state.seconds[id] = Math.round(10 * ((state.seconds[id] || 0) + (performance.now() - shown) / 1000)) / 10;
    shown = document.hidden ? null : performance.now();
  }

  function open(view) {
    count();
    shown = view === "pair" && !document.hidden ? performance.now() : null;
    for (const name of views) byId(name).hidden = name !== view;
    if (view === "pair") showPair();
    if (view === "done") showDone();
    if (view === "intro") byId("start").textContent = Object.keys(state.verdicts).length ? words.resume : words.start;
    showProgress();
    save();
    scrollTo(0, 0);
    byId(`${view}-title`).focus({ preventScroll: true });
  }

  function put(place, text) {
    byId(place).textContent = text || words.empty;
    byId(place).classList.toggle("none", !text);
  }

  function showPair() {
    const item = items[state.at], total = items.length;
    byId("pair-title").textContent = fill(words.pair, { n: state.at + 1, total });
    put("situation", item.situation);
    put("answer-1", item.answers[0]);
    put("answer-2", item.answers[1]);
    byId("back").disabled = state.at === 0;
    byId("next").textContent = state.at === total - 1 ? words.finish : words.next;
    showChoice();
  }

  function showChoice() {
    const verdict = state.verdicts[items[state.at].id];
    for (const radio of radios) radio.checked = radio.value === verdict;
    for (const side of ["1", "2"]) byId(`card-${side}`).classList.toggle("chosen", verdict === side);
    numbers(byId("overview"), items.map((item, index) => index));
  }

  function numbers(list, indices) {
    list.replaceChildren(...indices.map((index) => {
      const button = document.createElement("button");
      const done = items[index].id in state.verdicts;
      const name = fill(words.pair, { n: index + 1, total: items.length });
      button.type = "button";
      button.textContent = index + 1;
      button.classList.toggle("answered", done);
      button.setAttribute("aria-label", `${name}, ${done ? words.answered : words.unanswered}`);
      if (index === state.at) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => go(index));
      const entry = document.createElement("li");
      entry.append(button);
      return entry;
    }));
  }

  function showDone() {
    const left = missing(), total = items.length;
    const text = left.length ? words.incomplete : words.complete;
    byId("done-text").textContent = fill(text, { missing: left.length, total });
    byId("done-text").className = left.length ? "notice bad" : "notice good";
    byId("downloaded").hidden = true;
    for (const name of ["download-json", "download-csv"]) byId(name).disabled = left.length > 0;
    numbers(byId("missing"), left);
  }

  function go(index) {
    count();
    shown = null;
    state.at = index;
    open("pair");
  }

  function choose(verdict) {
    state.verdicts[items[state.at].id] = verdict;
    showChoice();
    showProgress();
    save();
  }

  const back = () => { if (state.at > 0) go(state.at - 1); };
  const next = () => (state.at < items.length - 1 ? go(state.at + 1) : open("done"));

  function download(kind) {
    if (missing().length) { open("done"); return; }
    const answers = items.map(({ id }) => ({ item: id, verdict: state.verdicts[id], seconds: state.seconds[id] ?? null }));
    const { version, study, rater } = data;
    const rows = answers.map((one) => [study, version, rater, one.item, one.verdict, one.seconds ?? ""].join(","));
    const text = kind === "json"
      ? JSON.stringify({ format: "plural-study-answers", version, study, rater, answers }, null, 1) + "\n"
      : ["study,version,rater,item,verdict,seconds", ...rows, ""].join("\r\n");
    const link = document.createElement("a");
    const file = `${rater}-answers.${kind}`;
    link.href = URL.createObjectURL(new Blob([text], { type: kind === "json" ? "application/json" : "text/csv" }));
    link.download = file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    byId("downloaded").textContent = fill(words.downloaded, { file });
    byId("downloaded").hidden = false;
  }

  function clear() {
    if (!confirm(words.clear_sure)) return;
    state = { verdicts: {}, seconds: {}, at: 0, shortcuts: state.shortcuts };
    shown = null;
    open("intro");
  }

  function pressed(event) {
    const typing = event.ctrlKey || event.metaKey || event.altKey;
    if (!state.shortcuts || typing || byId("pair").hidden) return;
    const verdict = { 1: "1", 2: "2", 0: "tie" }[event.key];
    const steps = document.documentElement.dir === "rtl" ? { ArrowRight: back, ArrowLeft: next } : { ArrowLeft: back, ArrowRight: next };
    const onRadio = radios.includes(event.target); // there the arrow keys choose, as everywhere
    if (verdict) choose(verdict);
    else if (steps[event.key] && !onRadio) steps[event.key]();
    else return;
    event.preventDefault();
  }

  load();
  for (const radio of radios) radio.addEventListener("change", () => choose(radio.value));
  byId("choice").addEventListener("submit", (event) => { event.preventDefault(); next(); });
  byId("start").addEventListener("click", () => open("pair"));
  byId("to-intro").addEventListener("click", () => open("intro"));
  byId("back").addEventListener("click", back);
  byId("done-back").addEventListener("click", () => open("pair"));
  byId("download-json").addEventListener("click", () => download("json"));
  byId("download-csv").addEventListener("click", () => download("csv"));
  byId("clear").addEventListener("click", clear);
  byId("shortcuts").checked = state.shortcuts;
  byId("shortcuts").addEventListener("change", (event) => { state.shortcuts = event.target.checked; save(); });
  document.addEventListener("keydown", pressed);
  document.addEventListener("visibilitychange", () => {
    count();
    if (!document.hidden && !byId("pair").hidden) shown = performance.now();
    save();
  });
  addEventListener("pagehide", () => { count(); save(); });
  open("intro");
})();
