import { chromium, type LaunchOptions } from 'playwright-core'
import { find } from './installed.ts'

export const browser = find('chromium')

/** Starts the Chromium of this machine; it talks to nobody by itself. */
export const launchBrowser = (options: LaunchOptions = {}) =>
  chromium.launch({
    ...options,
    executablePath: browser.path,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'],
  })
