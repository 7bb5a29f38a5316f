// Before the first paint, so that a dark page never flashes white. Not a module: modules run later.
(() => {
  const kept = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // storage may be forbidden
    }
  };
  const theme = kept('theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  const language = kept('language');
  if (language) document.documentElement.lang = language;
})();
