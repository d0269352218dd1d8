"""Commands for serving a workspace to other processes, people and machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from streamops_nb.cli.options import Folder, console, show_on

__all__ = ["COMMANDS"]

_TOKENS = typer.Option("--token-file", metavar="FILE", help="Who may ask; see `streamops token`.")
_ROLES = typer.Option("--roles", metavar="FILE", help="Lines of NAME ROLE, before the token's.")
_CERTIFICATE = typer.Option("--certificate", metavar="PEM", help="Of TLS, with its chain.")


def serve(
    workspace: Folder,
    host: Annotated[str, typer.Option(help="Where to be asked.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 5006,
    token_file: Annotated[Path | None, _TOKENS] = None,
    roles: Annotated[Path | None, _ROLES] = None,
    no_page: Annotated[bool, typer.Option("--no-page", help="Engine and API alone.")] = False,
    page_port: Annotated[int | None, typer.Option(help="Of the page; default PORT + 1.")] = None,
    certificate: Annotated[Path | None, _CERTIFICATE] = None,
    key: Annotated[Path | None, typer.Option(metavar="PEM", help="The certificate's key.")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Without TLS, because something in front has it.")
    ] = False,
    name: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="Also asked for under this name.")
    ] = None,
    allow_env: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A variable that specs may name.")
    ] = None,
    allow_folder: Annotated[
        list[str] | None, typer.Option(metavar="DIR", help="A folder that specs may name.")
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="A host that specs may name.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", help="End after so long.")
    ] = None,
) -> None:
    """Own a workspace, run its jobs, and serve it to others until Ctrl-C."""
    from streamops_nb.shell.serving import May, serve_workspace

    wanted = _wanted(
        host=host,
        port=port,
        tokens=token_file,
        roles=roles,
        names=tuple(name or ()),
        tls=(certificate, key),
        insecure=insecure,
    )
    may = May(
        variables=tuple(allow_env or ()),
        folders=tuple(allow_folder or ()),
        hosts=tuple(allow_host or ()),
    )
    page = None if no_page else show_on(page_port or (port + 1 if port else 0))
    code = serve_workspace(workspace, console(), wanted, may=may, page=page, seconds=seconds)
    raise typer.Exit(code)


def _wanted(*, tokens: Path | None, roles: Path | None, tls: Any, host: str, **how: Any) -> Any:
    from streamops_nb.model.errors import Refused
    from streamops_nb.server.people import read_roles
    from streamops_nb.server.public import Wanted
    from streamops_nb.server.serving import Tls, is_loopback

    certificate, key = tls
    if (certificate is None) != (key is None):
        raise Refused("TLS needs both --certificate and --key")
    if tokens is None:
        if roles is not None or certificate is not None or not is_loopback(host):
            raise Refused("others need tokens - give --token-file; `streamops token` writes it")
        return None
    secure = None if certificate is None else Tls(certificate=certificate, key=key)
    known = {} if roles is None else read_roles(roles)
    return Wanted(host=host, tokens=tokens, roles=known, tls=secure, **how)


def token(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file of tokens.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is.")],
    role: Annotated[
        str, typer.Argument(metavar="[ROLE]", help="viewer, operator, editor or admin.")
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take the token out.")] = False,
) -> None:
    """Make a token for somebody, in place of the one before, and print it this once."""
    from streamops_nb.shell.tokens import make_token, take_token

    if remove:
        take_token(file, name, console())
    else:
        make_token(file, name, role, console())


COMMANDS = (serve, token)
"""In the order of the help."""
