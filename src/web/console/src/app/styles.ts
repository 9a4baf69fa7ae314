/** What all components rest on. Each brings its own styles: see `stylesOfComponents` in vite.config.ts. */
import '@mantine/core/styles/baseline.css';
import '@mantine/core/styles/default-css-variables.css';
import '@mantine/core/styles/global.css';
