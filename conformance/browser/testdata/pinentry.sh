#!/usr/bin/env bash
# A holder who types: answers GETPIN with the next line of the file named by
# PINENTRY_PINS, and keeps what the window showed beside it. The line "wait" is a
# holder who does nothing; no line left is one who closes the window.
shown="$PINENTRY_PINS.shown"
echo "OK ready"
while read -r command rest; do
  case "$command" in
    SETDESC | SETERROR) printf '%s %s\n' "$command" "$rest" >> "$shown"; echo OK ;;
    GETPIN)
      next=$(head -n 1 "$PINENTRY_PINS")
      sed -i 1d "$PINENTRY_PINS"
      case "$next" in
        "") echo "ERR 83886179 Operation cancelled" ;;
        wait) exec sleep 60 ;;
        *) printf 'D %s\nOK\n' "$next" ;;
      esac ;;
    CONFIRM) echo CONFIRM >> "$shown"; echo OK ;;
    BYE) echo OK; exit 0 ;;
    *) echo OK ;;
  esac
done
