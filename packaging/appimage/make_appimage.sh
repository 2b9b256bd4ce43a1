#!/bin/sh
# Packs the bundle into an AppImage. Not run yet: it needs appimagetool and its runtime from the network.
# python3 packaging/build.py bundle deb && sh packaging/appimage/make_appimage.sh
set -eu
folder=$(cd "$(dirname "$0")/../.." && pwd)
stage=$folder/build/packaging/gptdesk.AppDir
rm -rf "$stage"
mkdir -p "$stage/usr/lib"
cp -a "$folder/dist/gptdesk" "$stage/usr/lib/gptdesk"
echo appimage > "$stage/usr/lib/gptdesk/_internal/gptdesk/installation.txt"
cp -a "$folder/build/packaging/deb/usr/share" "$stage/usr/share"
cp "$stage/usr/share/applications/gptdesk.desktop" "$stage/"
cp "$stage/usr/share/icons/hicolor/256x256/apps/gptdesk.png" "$stage/"
ln -s usr/lib/gptdesk/gptdesk "$stage/AppRun"
cd "$folder/dist"
appimagetool "$stage"
