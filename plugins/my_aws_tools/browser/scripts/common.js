// The document, the open shadow trees in it, and the documents of frames that the page may look into, at any depth.
function roots() {
  const found = [document];
  for (let i = 0; i < found.length; i++) {
    for (const element of found[i].querySelectorAll("*")) {
      if (element.shadowRoot) found.push(element.shadowRoot);
      if (element.localName === "iframe" || element.localName === "frame") {
        const inner = documentOf(element);
        if (inner) found.push(inner);
      }
    }
  }
  return found;
}

// A frame's document, or null where it belongs to another site.
function documentOf(frame) {
  try {
    return frame.contentDocument;
  } catch {
    return null;
  }
}

function all(selector) {
  return roots().flatMap((root) => Array.from(root.querySelectorAll(selector)));
}

function isShown(element) {
  return element.getClientRects().length > 0;
}

// The text as a reader sees it: the document first, then what shadow trees and frames hold.
function readText() {
  const parts = [];
  for (const root of roots()) {
    if (root.host) {
      if (!isShown(root.host)) continue;
      for (const child of root.children) {
        if (!["style", "script", "template", "slot"].includes(child.localName)) parts.push(child.innerText ?? child.textContent);
      }
      continue;
    }
    const frame = root.defaultView && root.defaultView.frameElement;
    if (frame && !isShown(frame)) continue;
    const body = root.body || root.documentElement;
    if (body) parts.push(body.innerText ?? body.textContent);
  }
  return parts.map((part) => (part || "").trim()).filter(Boolean).join("\n");
}

// The first so many characters, as people count them, and a marker where some are missing.
function cut(text, most) {
  let count = 0;
  let end = 0;
  for (const character of text) {
    if (count === most) return text.slice(0, end) + "... [Content truncated]";
    count++;
    end += character.length;
  }
  return text;
}

function line(text) {
  return (text || "").replace(/\s+/g, " ").trim();
}
