"""Entry point of `python -m regcls`."""

from regcls.cli.app import app

if __name__ == "__main__":
    app(prog_name="python -m regcls")
