"""A rep's browser window on the call desk, and the websocket server behind it."""

import threading
from typing import Any

import uvicorn
from asgiref.sync import SyncToAsync
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections

from config.tests.office_windows import DESKTOP, window
from crm.models import User


class Live:
    """The websocket server, which a test may take away and bring back on the same port."""

    def __init__(self) -> None:
        self.port, self.server, self.thread = 0, None, None

    def start(self) -> None:
        config = uvicorn.Config(
            "config.asgi:application",
            host="127.0.0.1",
            port=self.port,
            lifespan="off",
            log_config=None,
            ws="websockets-sansio",
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            threading.Event().wait(0.02)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(timeout=20)
        SyncToAsync.single_thread_executor.submit(connections.close_all).result()  # where consumers ask the database


class Desk:
    """One rep's browser window."""

    def __init__(self, browser: Any, address: str, rep: User, size: dict[str, int] = DESKTOP) -> None:
        self.rep, self.address = rep, address
        self.problems: list[str] = []
        self.page = window(browser, address, size)
        self.context = self.page.context
        self.context.add_cookies([{"name": "sessionid", "value": _session(rep), "url": address}])
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", self._asked)

    def _heard(self, message: Any) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.problems.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "ws://127.0.0.1")):
            self.problems.append(f"outside: {request.url}")

    def open(self) -> "Desk":
        self.page.goto(f"{self.address}/admin/desk/")
        self.page.wait_for_selector("#desk[data-line=up]")
        return self

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def wait(self, phase: str) -> None:
        self.page.wait_for_selector(f"#desk[data-phase={phase}]:not([aria-busy])")

    def name(self) -> str:
        return self.page.inner_text("#desk-person-name")

    def shows(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def leave(self) -> None:
        self.context.set_offline(False)
        self.page.close()
        assert self.problems == []


def _session(rep: User) -> str:
    session = SessionStore()
    session.update(
        {
            SESSION_KEY: str(rep.pk),
            BACKEND_SESSION_KEY: "crm.services.signing_in.Backend",
            HASH_SESSION_KEY: rep.get_session_auth_hash(),
        }
    )
    session.create()
    return str(session.session_key)
