//! The label of the license count in the languages that accounts of Zoho CRM have.

/// What a language calls it; English where it is none of these.
pub(super) fn label(language: &str) -> &'static str {
    match language {
        "in_ID" => "Lisensi pengguna",
        "zh_CN" => "用户许可证",
        "zh_TW" => "使用者授權",
        "da_DK" => "Brugerlicenser",
        "de_DE" => "Benutzerlizenzen",
        "es_ES" => "Licencias de usuario",
        "fr_FR" => "Licences utilisateur",
        "iw_IL" => "רישיונות משתמש",
        "hr_HR" => "Korisničke licence",
        "it_IT" => "Licenze utente",
        "hu_HU" => "Felhasználói licencek",
        "nl_NL" => "Gebruikerslicenties",
        "pl_PL" => "Licencje użytkowników",
        "pt_BR" => "Licenças de usuário",
        "pt_PT" => "Licenças de utilizador",
        "sv_SE" => "Användarlicenser",
        "vi_VN" => "Giấy phép người dùng",
        "tr_TR" => "Kullanıcı lisansları",
        "cs_CZ" => "Uživatelské licence",
        "bg_BG" => "Потребителски лицензи",
        "ru_RU" => "Лицензии пользователей",
        "ar_EG" => "تراخيص المستخدمين",
        "hi_IN" => "उपयोगकर्ता लाइसेंस",
        "th_TH" => "ใบอนุญาตผู้ใช้",
        "ja_JP" => "ユーザーライセンス",
        "ko_KR" => "사용자 라이선스",
        // `en_US` and `en_GB`, and whatever has no label of its own.
        _ => "UserLicenses",
    }
}
