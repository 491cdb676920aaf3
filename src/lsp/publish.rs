use std::collections::BTreeSet;

use gen_lsp_types::{PublishDiagnosticsNotification, PublishDiagnosticsParams};

use super::convert::{diagnostic, failed, unsaid};
use super::desk::{Kind, Published};
use super::documents::File;
use super::places::Places;
use super::server::Server;

impl Server {
    /// Tells what is wrong in all files of a workspace.
    pub(super) fn publish_all(&mut self, desk: usize) {
        let Some(known) = self.documents.desks.get(desk) else { return };
        let found = known.analysis.findings.iter().map(|finding| finding.span.source);
        let found: BTreeSet<_> =
            found.chain(known.failures.iter().map(|failure| failure.span.source)).collect();
        let mut paths: BTreeSet<String> = known.published.keys().cloned().collect();
        paths.extend(found.into_iter().map(|source| known.path(source).to_owned()));
        paths.into_iter().for_each(|path| self.publish(File { desk, path }));
    }

    /// Tells what is wrong in a file, where it is not what was told last.
    pub(super) fn publish(&mut self, file: File) {
        let File { desk: number, path } = file;
        let documents = &self.documents;
        let Some(desk) = documents.desks.get(number).filter(|desk| desk.is_known()) else { return };
        if desk.kind != Kind::Alone && !documents.desks.owns(number, &path) {
            return;
        }
        let version = documents.document(number, &path).map(|document| document.version);
        let mut diagnostics = Vec::new();
        if let Some(source) = desk.analysis.source(&path) {
            let mut places = Places::of(documents, number);
            let findings = desk.analysis.findings_in(source).iter();
            diagnostics.extend(findings.map(|finding| diagnostic(finding, &mut places)));
            let failures = desk.failures.iter().filter(|failure| failure.span.source == source);
            diagnostics.extend(failures.map(|failure| failed(failure, desk, &mut places)));
            diagnostics.extend(desk.unsaid(source).map(|hint| unsaid(&hint, &mut places)));
        }
        let told = desk.published.get(&path);
        let news = match told {
            Some(told) => told.version != version || told.diagnostics != diagnostics,
            None => version.is_some() || !diagnostics.is_empty(),
        };
        let uri = documents.uri_of(number, &path).or_else(|| told.map(|told| told.uri.clone()));
        let Some(uri) = uri.filter(|_| news) else { return };
        if let Some(desk) = self.documents.desks.get_mut(number) {
            let told = Published { uri: uri.clone(), version, diagnostics: diagnostics.clone() };
            desk.published.insert(path, told);
        }
        let params = PublishDiagnosticsParams { uri, version, diagnostics };
        self.notify::<PublishDiagnosticsNotification>(params);
    }

    /// Tells that nothing is wrong any more in files that nobody looks after.
    pub(super) fn publish_left(&mut self) {
        for uri in self.documents.desks.take_left() {
            let params = PublishDiagnosticsParams { uri, version: None, diagnostics: Vec::new() };
            self.notify::<PublishDiagnosticsNotification>(params);
        }
    }
}
