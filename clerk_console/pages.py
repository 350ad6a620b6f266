"""Which pages do clerks, supervisors and admins have?"""

from pathlib import Path

from signaling.web import Page

_HERE = Path(__file__).parent
PAGES = [
    Page("/clerk", "clerk", _HERE, "远程窗口", "Clerk's window"),
    Page("/supervisor", "supervisor", _HERE, "录像与督导", "Recordings"),
    Page("/admin", "admin", _HERE, "管理台", "Administration"),
]
