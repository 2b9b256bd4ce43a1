; Inno Setup's description of the Windows installer. Not run yet.
; python packaging\build.py bundle
; iscc /DVersion=0.1.0 packaging\windows\gptdesk.iss

#ifndef Version
  #error Give the version: iscc /DVersion=0.1.0
#endif

[Setup]
AppId={{6C0B4B0E-3B5C-4E0A-9D3C-5F1A0E6B7C21}
AppName=gptdesk
AppVersion={#Version}
AppPublisher=the gptdesk authors
AppPublisherURL=https://github.com/gptdesk/gptdesk
DefaultDirName={autopf}\gptdesk
DefaultGroupName=gptdesk
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
OutputDir=..\..\dist
OutputBaseFilename=gptdesk-{#Version}-windows-x64
SetupIconFile=..\..\build\packaging\gptdesk.ico
UninstallDisplayIcon={app}\gptdesk.exe
LicenseFile=..\..\LICENSE
Compression=lzma2
SolidCompression=yes
WizardStyle=modern
; A training that runs keeps its program's files open: the installer waits for it instead of ending it.
CloseApplications=no
ChangesAssociations=yes

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked
Name: "openwith"; Description: "Offer gptdesk in ""Open with"" for .gguf and .safetensors files"

[Files]
Source: "..\..\dist\gptdesk\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs
Source: "installation.txt"; DestDir: "{app}\_internal\gptdesk"; Flags: ignoreversion
; torch's libraries need Microsoft's runtime, which not every Windows has.
Source: "..\..\build\packaging\vc_redist.x64.exe"; DestDir: "{tmp}"; Flags: deleteafterinstall

[InstallDelete]
; Modules of the former version would be imported by the new one.
Type: filesandordirs; Name: "{app}\_internal"

[Icons]
Name: "{group}\gptdesk"; Filename: "{app}\gptdesk.exe"; AppUserModelID: "gptdesk"
Name: "{autodesktop}\gptdesk"; Filename: "{app}\gptdesk.exe"; Tasks: desktopicon

[Registry]
Root: HKA; Subkey: "Software\Classes\Applications\gptdesk.exe\SupportedTypes"; ValueType: string; ValueName: ".gguf"; ValueData: ""; Tasks: openwith; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\Applications\gptdesk.exe\SupportedTypes"; ValueType: string; ValueName: ".safetensors"; ValueData: ""; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Applications\gptdesk.exe\SupportedTypes"; ValueType: string; ValueName: ".json"; ValueData: ""; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Applications\gptdesk.exe\SupportedTypes"; ValueType: string; ValueName: ".txt"; ValueData: ""; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Applications\gptdesk.exe\shell\open\command"; ValueType: string; ValueName: ""; ValueData: """{app}\gptdesk.exe"" ""%1"""; Tasks: openwith

[Run]
Filename: "{tmp}\vc_redist.x64.exe"; Parameters: "/install /quiet /norestart"; Flags: waituntilterminated
Filename: "{app}\gptdesk.exe"; Description: "{cm:LaunchProgram,gptdesk}"; Flags: nowait postinstall skipifsilent
