"""Which pages does a kiosk have?"""

from pathlib import Path

from signaling.web import Page

PAGES = [Page("/kiosk", "kiosk", Path(__file__).parent, "远程虚拟窗口", "Remote virtual window")]
