function (result, most) {
  const seen = [];
  let left = 20000;
  const text = JSON.stringify(describe(result, 0));
  return text.length > most ? {size: text.length} : {value: text};

  function describe(one, depth) {
    if (left-- <= 0 || depth > 50) return "[cut]";
    switch (typeof one) {
      case "undefined": return "[undefined]";
      case "bigint": return `[BigInt ${one}]`;
      case "symbol": return `[${String(one)}]`;
      case "function": return `[function ${one.name || "without a name"}]`;
      case "number": return Number.isFinite(one) ? one : `[${one}]`;
      case "object": break;
      default: return one;
    }
    if (one === null) return null;
    if (one instanceof String || one instanceof Number || one instanceof Boolean) return describe(one.valueOf(), depth);
    const kind = Object.prototype.toString.call(one).slice(8, -1);
    if (typeof Node === "function" && one instanceof Node) return `[node ${markup(one)}]`;
    if (one === one.window) return "[window]";
    if (one instanceof Date) return isNaN(one) ? "[Invalid Date]" : one.toISOString();
    if (one instanceof RegExp) return `[RegExp ${one}]`;
    if (one instanceof Error) return `[${one.name}: ${one.message}]`;
    if (seen.includes(one)) return "[cyclic]";
    seen.push(one);
    try {
      if (typeof one.toJSON === "function") return describe(one.toJSON(), depth + 1);
      if (one instanceof Map) return Array.from(one, (pair) => describe(pair, depth + 1));
      const isList = Array.isArray(one) || one instanceof Set || ArrayBuffer.isView(one) || ["NodeList", "HTMLCollection", "Arguments"].includes(kind);
      if (isList && one[Symbol.iterator]) return Array.from(one, (part) => describe(part, depth + 1));
      const copy = {};
      for (const name of Object.keys(one)) {
        let part;
        try {
          part = one[name];
        } catch (thrown) {
          copy[name] = `[throws ${thrown}]`;
          continue;
        }
        Object.defineProperty(copy, name, {value: describe(part, depth + 1), enumerable: true});
      }
      return copy;
    } finally {
      seen.pop();
    }
  }

  function markup(node) {
    if (node.nodeType !== Node.ELEMENT_NODE) return node.nodeName;
    return node.cloneNode(false).outerHTML.slice(0, 200);
  }
}
