"""Who takes the pictures for docs/screens/?"""

from pathlib import Path

from playwright.async_api import Page


class Camera:
    """Takes the same page in both languages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def both(self, page: Page, name: str, *, dialog: str = "") -> None:
        """A picture in Chinese and one in English; the page is left in Chinese.

        A dialog is opened by pressing `dialog` for each picture: nothing else can be pressed in it.
        """
        for language, other in (("zh_CN", "English"), ("en", "中文")):
            if dialog:
                await page.click(dialog)
            await page.wait_for_timeout(1000 if dialog else 300)
            await page.screenshot(path=self._folder / f"{name}.{language}.png")
            if dialog:
                await page.keyboard.press("Escape")
            await page.get_by_role("button", name=other).click()
        await page.wait_for_timeout(300)
