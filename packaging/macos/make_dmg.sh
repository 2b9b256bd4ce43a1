#!/bin/sh
# Signs gptdesk.app, if a certificate is at hand, and packs it into a disk image. Not run yet.
# python3 packaging/build.py bundle && sh packaging/macos/make_dmg.sh 0.1.0
#
# DEVELOPER_ID: name of a "Developer ID Application" certificate in the keychain; without it the image is not signed, and
# macOS opens the program only after a right click, Open.
# NOTARY_PROFILE: name of credentials that `xcrun notarytool store-credentials` keeps.
set -eu
version=${1:?give the version}
folder=$(cd "$(dirname "$0")/../.." && pwd)
app=$folder/dist/gptdesk.app
image=$folder/dist/gptdesk-$version-macos-$(uname -m).dmg

if [ -n "${DEVELOPER_ID:-}" ]; then
    codesign --force --deep --timestamp --options runtime \
        --entitlements "$folder/packaging/macos/entitlements.plist" --sign "$DEVELOPER_ID" "$app"
    codesign --verify --deep --strict "$app"
else
    codesign --force --deep --sign - "$app" # Apple silicon runs nothing that has no signature at all
fi

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp -R "$app" "$stage/"
ln -s /Applications "$stage/Applications"
rm -f "$image"
hdiutil create -volname "gptdesk $version" -srcfolder "$stage" -format UDZO "$image"

if [ -n "${DEVELOPER_ID:-}" ] && [ -n "${NOTARY_PROFILE:-}" ]; then
    codesign --sign "$DEVELOPER_ID" "$image"
    xcrun notarytool submit "$image" --keychain-profile "$NOTARY_PROFILE" --wait
    xcrun stapler staple "$image"
fi
