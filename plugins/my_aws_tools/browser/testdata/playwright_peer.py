"""Open a page as the replaced plugin does: with Playwright, and with what stands in the parameter of a session.

The value of the parameter comes over standard input, the page is the argument. Prints what the page says.
"""

import asyncio
import json
import sys

from playwright.async_api import async_playwright


async def main(url):
    stored = json.load(sys.stdin)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(stored["ws_url"], headers=stored["ws_headers"])
        page = browser.contexts[0].pages[0]
        await page.goto(url, wait_until="domcontentloaded")
        print(await page.title(), "/", await page.inner_text("body"))
        await browser.close()


asyncio.run(main(sys.argv[1]))
