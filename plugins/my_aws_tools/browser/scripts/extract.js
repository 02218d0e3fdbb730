(mostText, mostHeadings, mostLinks, mostImages) => {
  const headings = [];
  for (let level = 1; level <= 6; level++) {
    for (const element of all("h" + level)) {
      const text = line(element.innerText);
      if (text) headings.push({level, text: cut(text, 500)});
    }
  }
  const links = [];
  for (const element of all("a[href]")) {
    if (links.length === mostLinks) break;
    const text = line(element.innerText);
    if (text) links.push({text: cut(text, 500), url: String(element.href)});
  }
  const images = [];
  for (const element of all("img[src]")) {
    if (images.length === mostImages) break;
    // An image that is written into the page would be longer than the page.
    const src = element.src.startsWith("data:") ? element.src.slice(0, 40) + "…" : element.src;
    images.push({src, alt: element.alt});
  }
  return {
    title: document.title, url: location.href, headings: headings.slice(0, mostHeadings), links, images,
    text_content: cut(readText(), mostText),
  };
};
