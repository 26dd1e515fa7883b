// Light or dark: what was chosen on this device, else what the system says. It runs before the page is drawn.
(() => {
  const root = document.documentElement;
  const key = 'gannet-theme';
  const dark = matchMedia('(prefers-color-scheme: dark)');

  const stored = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is forbidden
    }
  };
  const apply = (theme) => {
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
    dispatchEvent(new Event('themechange'));
  };

  apply(stored());
  dark.addEventListener('change', () => dispatchEvent(new Event('themechange')));
  addEventListener('DOMContentLoaded', () => {
    document.getElementById('theme').addEventListener('click', () => {
      const now = root.dataset.theme ?? (dark.matches ? 'dark' : 'light');
      const next = now === 'dark' ? 'light' : 'dark';
      try {
        localStorage.setItem(key, next);
      } catch {
        // the choice lasts for this page only
      }
      apply(next);
    });
  });
})();
