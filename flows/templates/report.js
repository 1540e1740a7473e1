"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const filters = one("#filters");
  if (!filters) return; // nothing was accepted: there is nothing to play, filter or sort

  // --- Playing: media are loaded near the viewport, played inside it, and let go of far from it. ---
  const playButton = one("#play");
  let playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const visible = new Set();
  const stopped = new WeakSet(); // videos that the reader stopped one by one

  const videoOf = (stage) => one("video", stage);
  const update = (stage) => {
    const video = videoOf(stage);
    const wanted = playing && visible.has(stage) && !stopped.has(stage);
    stage.setAttribute("aria-pressed", String(playing && !stopped.has(stage)));
    if (wanted && video.src && video.paused) video.play().catch(() => {}); // stopped again before it began
    if (!wanted && !video.paused) video.pause();
  };
  const updateAll = () => {
    playButton.textContent = playing ? "Pause all" : "Play all";
    all(".stage").forEach(update);
    requestAnimationFrame(moveHeads);
  };
  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const video = videoOf(target);
      if (isIntersecting && !video.src) {
        video.poster = video.dataset.poster;
        video.src = video.dataset.src;
        video.playbackRate = video.defaultPlaybackRate = Number(one("#speed").value);
        update(target); // the other observer may have been told first
      } else if (!isIntersecting && video.src) {
        video.removeAttribute("src");
        video.load(); // a page may hold only so many decoders
      }
    }
  }, { rootMargin: "600px 0px" });
  const inside = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      visible[isIntersecting ? "add" : "delete"](target);
      update(target);
    }
    requestAnimationFrame(moveHeads);
  }, { threshold: 0.25 });

  let moving = false;
  const moveHeads = () => {
    if (moving) return;
    moving = true;
    const step = () => {
      let busy = false;
      for (const stage of visible) {
        const video = videoOf(stage);
        const head = one(".playhead", stage.closest(".card"));
        if (head && video.duration) {
          const x = Number(head.dataset.width) * video.currentTime / video.duration;
          head.setAttribute("x1", x);
          head.setAttribute("x2", x);
        }
        busy ||= !video.paused;
      }
      moving = busy;
      if (busy) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  };

  for (const stage of all(".stage")) {
    const video = videoOf(stage);
    stage.addEventListener("click", () => {
      if (!playing) {
        playing = true;
        all(".stage").forEach((other) => stopped.add(other));
        stopped.delete(stage);
      } else if (!stopped.delete(stage)) stopped.add(stage);
      updateAll();
    });
    video.addEventListener("canplay", () => update(stage));
    video.addEventListener("playing", moveHeads);
    video.addEventListener("error", () => stage.classList.toggle("broken", Boolean(video.src)));
    near.observe(stage);
    inside.observe(stage);
  }
  playButton.addEventListener("click", () => {
    playing = !playing;
    if (playing) all(".stage").forEach((stage) => stopped.delete(stage));
    updateAll();
  });
  one("#speed").addEventListener("change", (event) => {
    for (const video of all("video")) video.playbackRate = video.defaultPlaybackRate = Number(event.target.value);
  });
  for (const button of all(".enlarge")) {
    button.addEventListener("click", () => one("video", button.closest(".card")).requestFullscreen());
  }

  // --- Filters and order. ---
  const fold = (text) => text.normalize("NFKD").toLowerCase();
  const cards = all(".card").map((card, position) => ({
    card, position, section: card.closest(".category"), text: fold(card.dataset.search),
  }));
  const keeps = ({ card, text }, form) =>
    ["category", "motion", "subject", "style"].every(
      (name) => !form.get(name) || card.dataset[name].split("\n").includes(form.get(name)),
    ) && fold(form.get("search")).split(/\s+/).every((word) => text.includes(word));
  const number = (text) => (text === "" || Number.isNaN(Number(text)) ? -Infinity : Number(text));
  const apply = () => {
    const form = new FormData(filters);
    const [name, direction] = form.get("sort").split(":");
    const sign = direction === "up" ? 1 : -1;
    const shown = cards.filter((entry) => (entry.card.hidden = !keeps(entry, form), !entry.card.hidden));
    const sorted = name
      ? [...cards].sort((a, b) => sign * (number(a.card.dataset[name]) - number(b.card.dataset[name])) || a.position - b.position)
      : cards;
    for (const { card, section } of sorted) one(".grid", section).append(card);
    for (const section of all(".category")) {
      const left = shown.filter((entry) => entry.section === section).length;
      section.hidden = left === 0;
      one(".left", section).textContent = left;
    }
    one("#shown").textContent = shown.length;
    one("#nothing").hidden = shown.length > 0;
  };
  for (const event of ["input", "change"]) filters.addEventListener(event, apply);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(apply));
  one("#again").addEventListener("click", () => filters.reset());
  apply(); // a reload may restore what was typed
  updateAll();
})();
