import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const styles = fileURLToPath(new URL('node_modules/@mantine/core/styles/', import.meta.url));

/**
 * Each component brings its own styles: all of them together are a tenth of what is loaded first. What a component is built on is imported by it,
 * and its styles come before.
 */
const stylesOfComponents: Plugin = {
  name: 'styles-of-components',
  enforce: 'pre',
  transform(code, id) {
    // The names of its classes: whatever wears them imports these.
    const name = /@mantine\/core\/esm\/.*\/(\w+)\.module\.mjs$/.exec(id)?.[1];
    const file = `${styles}${name}.css`;
    return name !== undefined && existsSync(file) ? `import ${JSON.stringify(file)};\n${code}` : null;
  },
};

/** Of what a text has to save to be laid beside itself: a file of a few lines is a packet either way. */
const PACKED_FROM_BYTES = 1_400;

/**
 * Scripts and styles are laid beside themselves in fewer bytes, as small as they get: they are built once and loaded often. When all are written:
 * until then others may change them.
 */
const packed: Plugin = {
  name: 'packed',
  apply: 'build',
  async writeBundle({ dir = '' }, bundle) {
    const names = Object.keys(bundle).filter((name) => /\.(js|css|svg)$/.test(name));
    for (const path of names.map((name) => join(dir, name))) {
      const source = await readFile(path);
      if (source.length < PACKED_FROM_BYTES) continue;
      await writeFile(`${path}.gz`, gzipSync(source, { level: 9 }));
      await writeFile(`${path}.br`, brotliCompressSync(source));
    }
  },
};

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/console/',
  plugins: [stylesOfComponents, react(), packed],
  // Packages that npm puts at the root must not bring the React of HubSpot's cards along.
  resolve: { dedupe: ['react', 'react-dom'] },
  build: {
    outDir: fileURLToPath(new URL('../../../dist/console', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    reportCompressedSize: false,
    // The service's policy lets no script in that stands in the page, and no data: script.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    manifest: true,
  },
});
