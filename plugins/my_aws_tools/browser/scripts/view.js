(most) => ({title: document.title, url: location.href, content: cut(readText(), most)});
