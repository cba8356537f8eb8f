import { chromium } from 'playwright-core'
import { find } from './installed.ts'

export const browser = find('chromium')

/** Starts the Chromium of this machine; it talks to nobody by itself. */
export const launchBrowser = () =>
  chromium.launch({
    executablePath: browser.path,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'],
  })
