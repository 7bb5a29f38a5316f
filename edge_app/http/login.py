"""Logging in and out."""

from __future__ import annotations

import html
from pathlib import Path
from string import Template
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from edge_app.http.access import SESSION_COOKIE, Access, TooManyTriesError
from edge_app.http.guard import session_of

_PASSWORD_LONGEST = 1024


def login_routes(access: Access, template: Path) -> APIRouter:
    """GET and POST /login, POST /logout.

    Args:
        access: password and sessions.
        template: the login page, with the places `$csrf`, `$next` and `$fault`.
    """
    router = APIRouter()
    page = Template(template.read_text(encoding="utf-8"))

    def form(target: str, fault: str = "", status: int = 200) -> HTMLResponse:
        csrf = access.login_token()
        filled = page.substitute(csrf=csrf, next=html.escape(target), fault=html.escape(fault))
        return HTMLResponse(filled, status)

    @router.get("/login", include_in_schema=False)
    def show(request: Request) -> Response:
        target = local_path(request.query_params.get("next", "/"))
        return RedirectResponse(target, 303) if request.state.inside else form(target)

    @router.post("/login", include_in_schema=False)
    async def log_in(
        request: Request,
        password: Annotated[str, Form(max_length=_PASSWORD_LONGEST)] = "",
        csrf: Annotated[str, Form(max_length=200)] = "",
        target: Annotated[str, Form(alias="next", max_length=500)] = "/",
    ) -> Response:
        target = local_path(target)
        if not access.is_login_token(csrf):
            return form(target, "The form expired. Please try again.", 403)
        address = request.client.host if request.client is not None else "unknown"
        try:
            session = await run_in_threadpool(access.log_in, password, address)
        except TooManyTriesError as exc:
            refused = form(target, f"Too many attempts. Wait {exc.wait_s:.0f} s.", 429)
            refused.headers["Retry-After"] = f"{exc.wait_s:.0f}"
            return refused
        if session is None:
            return form(target, "Incorrect password.", 401)
        answer = RedirectResponse(target, 303)
        answer.set_cookie(
            SESSION_COOKIE, session, httponly=True, samesite="strict", secure=access.secure
        )
        return answer

    @router.post("/logout", include_in_schema=False)
    def log_out(request: Request) -> Response:
        access.log_out(session_of(request.headers))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(SESSION_COOKIE)
        return answer

    return router


def local_path(target: str) -> str:
    """A path on this box; "/" for anything that leads elsewhere."""
    if not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return "/"
    return target if target.isprintable() else "/"
