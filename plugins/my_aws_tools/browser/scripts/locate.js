(selector, text) => {
  const element = selector ? all(selector).find(isShown) || all(selector)[0] : byText(line(text));
  if (!element) return {found: false};
  element.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
  const box = element.getClientRects()[0];
  const label = cut(line(element.innerText || element.value || element.getAttribute("aria-label")), 100);
  const about = {found: true, label, name: element.localName, disabled: Boolean(element.disabled)};
  if (!box) return about;
  let x = box.left + box.width / 2;
  let y = box.top + box.height / 2;
  const root = element.getRootNode();
  const hit = root.elementFromPoint && root.elementFromPoint(x, y);
  const clear = Boolean(hit) && (hit === element || element.contains(hit) || hit.contains(element));
  for (let view = element.ownerDocument.defaultView; view && view.frameElement; view = view.parent) {
    const frame = view.frameElement.getBoundingClientRect();
    x += frame.left + view.frameElement.clientLeft;
    y += frame.top + view.frameElement.clientTop;
  }
  const inside = x >= 0 && y >= 0 && x < innerWidth && y < innerHeight;
  if (!clear || !inside) {
    // Something lies over it that a mouse would hit instead.
    element.click();
    return {...about, clicked: true};
  }
  return {...about, x, y, aimed: true};

  // What is made for clicking first, and the whole text before a part of it.
  function byText(wanted) {
    const clickable = all("a, button, input[type=submit], input[type=button], input[type=reset], summary, label, option, [role=button], [role=link], [role=tab], [role=menuitem], [onclick]").filter(isShown);
    const read = (element) => line(element.innerText || element.value || element.getAttribute("aria-label") || element.title);
    const lower = wanted.toLowerCase();
    return clickable.find((element) => read(element) === wanted)
      || clickable.find((element) => read(element).toLowerCase() === lower)
      || clickable.find((element) => read(element).toLowerCase().includes(lower))
      || all("body *").filter((element) => isShown(element) && !element.children.length && line(element.textContent).toLowerCase().includes(lower))[0];
  }
};
