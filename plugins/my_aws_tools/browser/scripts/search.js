(most) => {
  // Search engines lead their links over an address of their own, which holds that of the result.
  const target = (link) => {
    let at;
    try {
      at = new URL(link.href, document.baseURI);
    } catch {
      return null;
    }
    for (const name of ["uddg", "url", "q", "u", "RU"]) {
      const inner = decoded(at.searchParams.get(name));
      if (inner && /^https?:\/\//i.test(inner) && (at.host === location.host || /^\/(l|url|link|r|ck)\b/.test(at.pathname))) {
        at = new URL(inner);
        break;
      }
    }
    return /^https?:$/.test(at.protocol) ? at : null;
  };
  // Some write the address in Base64, behind two characters that say so.
  function decoded(text) {
    if (!/^a1[\w-]+$/.test(text || "")) return text;
    try {
      return atob(text.slice(2).replace(/-/g, "+").replace(/_/g, "/"));
    } catch {
      return text;
    }
  }
  const site = (host) => host.split(".").slice(-2).join(".");
  const isOwn = (at) => at.host === location.host || (!/^[\d.:[\]]+$/.test(at.hostname) && site(at.hostname) === site(location.hostname));
  const candidates = [];
  for (const link of all("a[href]")) {
    const at = target(link);
    if (!at || isOwn(at) || !isShown(link) || link.closest("nav, footer, header")) continue;
    candidates.push({link, url: at.href, heading: link.closest("h1, h2, h3, h4") || link.querySelector("h1, h2, h3, h4, [role=heading]")});
  }
  // Where titles are headings, links without one are something else.
  const titled = candidates.filter((one) => one.heading);
  const results = [];
  for (const one of titled.length ? titled : candidates) {
    if (results.length === most) break;
    const title = line((one.heading || one.link).innerText) || line(one.link.innerText);
    if (!title || results.some((known) => known.url === one.url)) continue;
    results.push({title: cut(title, 300), url: one.url, snippet: cut(snippet(one, title, candidates), 500)});
  }
  return {url: location.href, title: document.title, results};

  // The text around a link, as far as no other result begins.
  function snippet(one, title, candidates) {
    let box = one.link;
    while (box.parentElement && box.parentElement !== document.body) {
      const wider = box.parentElement;
      if (candidates.some((other) => other.url !== one.url && wider.contains(other.link))) break;
      box = wider;
    }
    const address = (text) => /^(https?:\/\/)?[\w-]+(\.[\w-]+)+([/?#›\s].*)?$/i.test(text) && !/\s\S+\s\S+/.test(text.replace(/›/g, ""));
    const lines = (box.innerText || "").split("\n").map(line).filter((text) => text && text !== title && !address(text));
    return lines.join(" ");
  }
};
