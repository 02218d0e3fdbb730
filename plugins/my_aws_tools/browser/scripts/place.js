() => ({title: document.title, url: location.href});
